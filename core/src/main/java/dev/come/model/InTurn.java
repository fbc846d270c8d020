package dev.come.model;

/**
 * Lets threads do something one after the other in a fixed order, so that sums come out the same however many there are.
 */
public final class InTurn extends Waiting {
    private int next;

    /** Does something when it is its turn; turns begin with 0. */
    public void take(int turn, Runnable work) {
        until(() -> next == turn);
        work.run();
        change(() -> next++);
    }
}
