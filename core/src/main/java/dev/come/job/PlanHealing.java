package dev.come.job;

import dev.come.Progress;
import dev.come.heal.Healing;
import dev.come.model.Compute;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.util.List;

/** Heals what a plan has led to, and adds to the plan how. */
final class PlanHealing {
    private PlanHealing() {
    }

    /**
     * Heals the last stack of a plan; layers that an interrupted run has fitted are not fitted again.
     *
     * @param folder keeps the fits; {@link RunSettings#ofHealing} is among the settings that it was begun with
     * @return the plan with one more step, or as it was if no layer came nearer to the dense model
     */
    static PruningPlan heal(LayerStore store, PruningPlan plan, Sequences tokens, Compute compute,
            Healing.Options options, long memory, RunFolder folder, Progress progress) {
        return new Healing(store, compute, options, memory, folder.make(), progress).heal(plan.last(), tokens)
                .map(step -> plan.with(List.of(step))).orElse(plan);
    }
}
