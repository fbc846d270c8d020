package dev.come.model;

/**
 * Lets threads do something one after the other in a fixed order, so that sums come out the same however many there are.
 */
public final class InTurn {
    private final Waiting waiting = new Waiting();
    private int next;

    /** Work that has a turn in it; if it fails, nobody waits for that turn. */
    public void guard(Runnable work) {
        waiting.guard(work);
    }

    /** Does something when it is its turn; turns begin with 0. */
    public void take(int turn, Runnable work) {
        waiting.until(() -> next == turn);
        work.run();
        waiting.change(() -> next++);
    }
}
