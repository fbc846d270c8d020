package dev.come.job;

import dev.come.UsageException;
import dev.come.evaluate.Evaluation;
import dev.come.heal.Healing;
import dev.come.heal.Healing.Options;
import dev.come.prune.PruningMethod;
import java.util.List;
import java.util.Optional;

/** What is done on one machine only; with {@code --master} it is refused before anything is computed. */
final class OneMachine {
    private OneMachine() {
    }

    /** @throws UsageException if other machines are asked for, and what only one can do */
    static void check(ComputeChoice compute, List<PruningMethod> methods, Optional<Options> healing) {
        if (compute.cluster().isPresent()) {
            methods.forEach(OneMachine::check);
            healing.ifPresent(OneMachine::check);
        }
    }

    /** Refuses tasks for which a model writes texts, token by token; others are given back. */
    static Evaluation check(boolean others, Evaluation evaluation) {
        if (others) {
            evaluation.written().findFirst().ifPresent(task -> {
                throw refused("--tasks " + task + ", for which the model writes texts,");
            });
        }
        return evaluation;
    }

    /** Refuses a method that asks what shards are not asked. */
    static void check(PruningMethod method) {
        if (method.needsOneMachine()) {
            throw refused("--method " + method.name());
        }
    }

    /** Refuses a healing that needs more of shards than the usual one. */
    static void check(Options healing) {
        Options usual = Options.DEFAULTS;
        if (healing.targets() == Healing.Targets.ALL) {
            throw refused("--heal-targets " + healing.targets().label());
        }
        if (healing.weights() != usual.weights()) {
            throw refused("--heal-weights " + Choices.name(healing.weights()));
        }
        if (healing.passes() != usual.passes()) {
            throw refused("--heal-passes " + healing.passes());
        }
        if (healing.seam() != usual.seam()) {
            throw refused("--heal-seam " + Choices.name(healing.seam()));
        }
    }

    private static UsageException refused(String option) {
        return new UsageException("--master: " + option + " is done on one machine only; leave one of the two out");
    }
}
