package dev.come.calibration;

import dev.come.run.TokenChunks;
import java.util.NavigableSet;
import java.util.TreeSet;

/**
 * Which chunks are added up together before large sums of them meet others. The tokens alone decide it, as with {@link Shard#divide},
 * so a sum is the same to the bit whether one machine makes it or many.
 */
final class ChunkGroups {
    private final NavigableSet<Integer> ends = new TreeSet<>();

    /** Those of all chunks, or of some that begin with the first of a group. */
    ChunkGroups(TokenChunks chunks) {
        Shard.divide(chunks).forEach(group -> ends.add(group.size() + (ends.isEmpty() ? 0 : ends.last())));
    }

    /** Whether a chunk is the last of its group. */
    boolean endWith(int chunk) {
        return ends.contains(chunk + 1);
    }
}
