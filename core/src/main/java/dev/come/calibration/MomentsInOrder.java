package dev.come.calibration;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Adds up what chunks give: in a group of chunks one after the other, and then the groups. Which chunks those are the tokens alone
 * decide, so the sum depends neither on the number of threads nor on how groups are divided among machines.
 */
final class MomentsInOrder implements AutoCloseable {
    private final @Nullable Moments total;
    private final long channels;
    private final long outputs;
    private final ChunkGroups groups;
    private final Map<Integer, Moments> waiting = new HashMap<>();
    /** Of a group that is not the first, while it is not whole; the first one needs no sums of its own. */
    private @Nullable Moments group;
    private boolean isFirst = true;
    private int next;

    /**
     * Sums of nothing yet.
     *
     * @param channels the width of x
     * @param outputs the width of y
     * @param from the first of the chunks
     * @param groups of all chunks
     * @param wanted whether anything will be added
     */
    MomentsInOrder(long channels, long outputs, int from, ChunkGroups groups, boolean wanted) {
        this.channels = channels;
        this.outputs = outputs;
        this.next = from;
        this.groups = groups;
        this.total = wanted ? new Moments(channels, outputs) : null;
    }

    /** Adds those of a chunk, and closes them. */
    synchronized void add(int chunk, Moments part) {
        waiting.put(chunk, part);
        for (Moments ready = waiting.remove(next); ready != null && total != null; ready = waiting.remove(next)) {
            sums(total).add(ready);
            ready.close();
            if (groups.endWith(next++)) {
                end();
            }
        }
    }

    /** Those that the next chunk is added to. */
    private Moments sums(Moments all) {
        if (isFirst) {
            return all;
        }
        if (group == null) {
            group = Moments.toAdd(channels, outputs);
        }
        return group;
    }

    private void end() {
        isFirst = false;
        if (group != null && total != null) {
            total.add(group);
            group.close();
            group = null;
        }
    }

    /** The sum of all chunks; null if none was wanted. Closed with this, or by its taker. */
    synchronized @Nullable Moments total() {
        end();
        return total;
    }

    @Override
    public synchronized void close() {
        waiting.values().forEach(Moments::close);
        if (group != null) {
            group.close();
        }
        if (total != null) {
            total.close();
        }
    }
}
