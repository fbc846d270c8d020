package dev.come.job;

import dev.come.FailedException;
import dev.come.Progress;
import java.util.ArrayList;
import java.util.List;

/** Ends a run when progress is told for the n-th time, and keeps what is told until then. */
final class Interruption implements Progress {
    static final int NEVER = Integer.MAX_VALUE;

    final List<String> notes = new ArrayList<>();
    final List<Double> expected = new ArrayList<>();
    private int left;

    Interruption(int calls) {
        left = calls;
    }

    private synchronized void count() {
        if (--left == 0) {
            throw new FailedException("interrupted");
        }
    }

    /** How often progress was told of, where the run was not to be ended. */
    int told() {
        return NEVER - left;
    }

    @Override
    public Task begin(String what, long total, String unit) {
        count();
        return _ -> count();
    }

    @Override
    public void expect(double steps) {
        expected.add(steps);
    }

    @Override
    public void note(String line) {
        notes.add(line);
        count();
    }
}
