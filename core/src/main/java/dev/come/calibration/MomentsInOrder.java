package dev.come.calibration;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Adds up what chunks give, in the order of the chunks, so that the sum does not depend on the number of threads. */
final class MomentsInOrder implements AutoCloseable {
    private final @Nullable Moments total;
    private final Map<Integer, Moments> waiting = new HashMap<>();
    private int next;

    /**
     * Sums of nothing yet.
     *
     * @param channels the width of x
     * @param outputs the width of y
     * @param wanted whether anything will be added
     */
    MomentsInOrder(long channels, long outputs, boolean wanted) {
        this.total = wanted ? new Moments(channels, outputs) : null;
    }

    /** Adds those of a chunk, and closes them. */
    synchronized void add(int index, Moments part) {
        waiting.put(index, part);
        for (Moments ready = waiting.remove(next); ready != null && total != null; ready = waiting.remove(next)) {
            total.add(ready);
            ready.close();
            next++;
        }
    }

    /** The sum of all chunks; null if none was wanted. Closed with this, or by its taker. */
    @Nullable
    Moments total() {
        return total;
    }

    @Override
    public synchronized void close() {
        waiting.values().forEach(Moments::close);
        if (total != null) {
            total.close();
        }
    }
}
