package dev.come.job;

import dev.come.FailedException;
import dev.come.job.PruneJob.Failure;
import java.nio.file.Path;
import java.util.List;
import java.util.SequencedMap;

/**
 * What the methods of a run will do and need.
 *
 * @param byMethod by the name of the method, in the order that was asked for
 * @param failures methods of several that would not get there
 */
public record Estimates(SequencedMap<String, Estimate> byMethod, List<Failure> failures) {
    /**
     * Checks that there is room for all of it.
     *
     * @throws FailedException if there is not
     */
    public void requireRoom(Path target) {
        byMethod.values().stream().map(one -> new DiskUse(one.savedBytes(), one.temporaryBytes(), 0))
                .reduce(DiskUse::then).ifPresent(disk -> disk.requireRoom(target));
    }
}
