package dev.come.model;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Lets threads wait for each other's progress, but not for that of a thread that has failed. */
public final class Waiting {
    private @Nullable RuntimeException failure;

    /**
     * Waits until a condition holds, which becomes true in {@link #change} only.
     *
     * @throws RuntimeException that of the guarded work that failed meanwhile, so that whoever is asked first tells why
     */
    public synchronized void until(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            if (failure != null) {
                throw failure;
            }
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
    }

    /** Changes what others may be waiting for. */
    public synchronized void change(Runnable change) {
        change.run();
        notifyAll();
    }

    /** Does work that others wait for; if it fails, so do they. */
    public void guard(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            change(() -> failure = e);
            throw e;
        }
    }
}
