package dev.come;

/** Counts how often progress is told, and fails at one of these times. */
public final class CountingProgress implements Progress {
    private final int last;
    private int calls;

    /** @param last the number of the call that fails */
    public CountingProgress(int last) {
        this.last = last;
    }

    /** How often progress was told. */
    public synchronized int calls() {
        return calls;
    }

    private synchronized void count() {
        if (++calls == last) {
            throw new FailedException("interrupted");
        }
    }

    @Override
    public Task begin(String what, long total, String unit) {
        count();
        return _ -> count();
    }

    @Override
    public void note(String line) {
        count();
    }
}
