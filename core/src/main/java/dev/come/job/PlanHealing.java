package dev.come.job;

import dev.come.Progress;
import dev.come.RecordJson;
import dev.come.heal.Healing;
import dev.come.model.Compute;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStore;
import dev.come.text.CalibrationSet;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Heals what a plan has led to, and adds to the plan how. */
final class PlanHealing {
    private PlanHealing() {
    }

    /** What a plan says of healing, whether or not it then changed a layer. */
    static ObjectNode settings(Healing.Options options, CalibrationSet.Source source, CalibrationSet set,
            Compute compute) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode().put("heal", "ridge");
        settings.setAll(RecordJson.tree(options));
        if (source instanceof CalibrationSet.Options sampled) {
            settings.put("seed", sampled.seed());
        }
        settings.set("calibration", RecordJson.tree(set.facts()));
        settings.put("dtype", compute.dtypeName());
        return settings;
    }

    /**
     * Heals the last stack of a plan.
     *
     * @param folder where the weights of refitted layers go
     * @return the plan with one more step, or as it was if no layer came nearer to the dense model
     */
    static PruningPlan heal(LayerStore store, PruningPlan plan, Sequences tokens, Compute compute,
            Healing.Options options, long memory, Path folder, Progress progress) {
        return new Healing(store, compute, options, memory, folder, progress).heal(plan.last(), tokens)
                .map(step -> plan.with(List.of(step))).orElse(plan);
    }
}
