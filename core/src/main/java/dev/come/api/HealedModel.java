package dev.come.api;

import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SequencedMap;

/**
 * A pruned model that was made better.
 *
 * @param folder where it lies: an ordinary model folder, with its record come.json
 * @param layers its decoder layers
 * @param tree these layers, merged ones as nested lists of the original ones
 * @param step what was done: from which layer to which, and what it was decided by
 * @param perplexity by the name of what was measured
 * @param dtype the type that was computed in
 * @param healing the time that it took, without perplexity and writing
 */
public record HealedModel(Path folder, int layers, String tree, Step step,
        SequencedMap<String, Perplexities> perplexity,
        String dtype, Duration healing) {
    /**
     * Perplexities of three models on the same text.
     *
     * @param dense of the dense model
     * @param pruned of the pruned one
     * @param healed of that after it was healed
     */
    public record Perplexities(double dense, double pruned, double healed) {}

    static HealedModel of(Path folder, PruningPlan plan, SequencedMap<String, Perplexities> perplexity, String dtype,
            Duration time) {
        return new HealedModel(folder, plan.last().size(), plan.last().tree(),
                Step.of(plan.settings().path("method").asString(), plan.steps().getLast()), perplexity, dtype, time);
    }

    /** What was measured on the stack of a plan with so many layers. */
    static double value(PruningPlan plan, String metric, int layers) {
        return plan.evaluations().stream()
                .filter(evaluation -> evaluation.metric().equals(metric) && evaluation.layers() == layers)
                .mapToDouble(Measurement::value).findFirst().orElseThrow();
    }
}
