package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.Shards.Context;
import java.io.Serializable;

/** A question for large sums on its way to a shard, and what it is about. */
public record AskedForSums(Context about, LargeQuestion<?, ?> question) implements Serializable {
    /**
     * Lets a shard answer.
     *
     * @return closed by the caller
     */
    public SumInPieces.Apart answer(Shard shard, Progress.Task task) {
        return new SumInPieces.Apart(shard.answer(about, question, task));
    }
}
