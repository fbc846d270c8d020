package dev.come.model;

/**
 * Lets threads do something one after the other in a fixed order, so that sums come out the same however many there are.
 */
public final class InTurn {
    private int next;
    private boolean broken;

    /** Work that has a turn in it; if it fails, nobody waits for that turn. */
    public void guard(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            synchronized (this) {
                broken = true;
                notifyAll();
            }
            throw e;
        }
    }

    /** Does something when it is its turn; turns begin with 0. */
    public synchronized void take(int turn, Runnable work) {
        while (next != turn) {
            if (broken) {
                throw new IllegalStateException("another thread failed");
            }
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
        work.run();
        next++;
        notifyAll();
    }
}
