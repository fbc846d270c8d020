package dev.come.job;

import dev.come.Progress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** Ends a run in its middle, as a kill would, and keeps what it said. */
final class KilledProgress implements Progress {
    private final AtomicLong left;
    private final List<String> notes = new ArrayList<>();

    private KilledProgress(long steps) {
        this.left = new AtomicLong(steps);
    }

    /** Throws after so many steps of all pieces of work together. */
    static KilledProgress after(long steps) {
        return new KilledProgress(steps);
    }

    /** What the run said. */
    List<String> notes() {
        return notes;
    }

    @Override
    public Task begin(String what, long total, String unit) {
        return done -> {
            if (left.addAndGet(-done) < 0) {
                throw new IllegalStateException("killed");
            }
        };
    }

    @Override
    public void note(String line) {
        notes.add(line);
    }
}
