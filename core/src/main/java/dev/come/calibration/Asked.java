package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.Shards.Context;
import java.io.Serializable;

/** A question on its way to a shard, and what it is about. */
public record Asked<A extends Serializable>(Context about, Question<A> question) implements Serializable {
    /** Lets a shard answer. */
    public A answer(Shard shard, Progress.Task task) {
        return shard.answer(about, question, task);
    }
}
