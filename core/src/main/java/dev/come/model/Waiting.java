package dev.come.model;

import dev.come.InterruptedRunException;
import dev.come.failure.Thrown;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets the threads of one {@link Workers#forEach} wait for each other's progress. Once one of them has failed, by whatever was
 * thrown, nobody waits any more.
 */
public class Waiting {
    private @Nullable Throwable failure;

    /**
     * Waits until a condition holds, which becomes true in {@link #change} only. Throws what the thread that failed meanwhile has
     * thrown, so that whoever is asked first tells why.
     */
    public final synchronized void until(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            if (failure != null) {
                throw Thrown.again(failure);
            }
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedRunException(e);
            }
        }
    }

    /** Changes what others may be waiting for. */
    public final synchronized void change(Runnable change) {
        change.run();
        notifyAll();
    }

    /** What is waited for may not come any more. */
    final synchronized void fail(Throwable cause) {
        if (failure == null) {
            failure = cause;
        }
        notifyAll();
    }
}
