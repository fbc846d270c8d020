package dev.come.api;

import dev.come.heal.Healing;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Seam;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
import dev.come.job.Choices;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** How a pruned model is healed in closed form, as far as it was said. */
final class HealOptions {
    private @Nullable String scope;
    private @Nullable String targets;
    private @Nullable String weights;
    private @Nullable Integer passes;
    private @Nullable String seam;

    void scope(String name) {
        scope = name;
    }

    void targets(String name) {
        targets = name;
    }

    void weights(String name) {
        weights = name;
    }

    void passes(int number) {
        passes = number;
    }

    void seam(String name) {
        seam = name;
    }

    boolean isSaid() {
        return scope != null || targets != null || weights != null || passes != null
                || seam != null;
    }

    Healing.Options options() {
        Healing.Options usual = Healing.Options.DEFAULTS;
        return new Healing.Options(scope == null ? usual.scope() : Choices.of("--heal-scope", scope, Scope.values()),
                targets == null
                        ? usual.targets()
                        : Targets.labelled(Choices.check("--heal-targets", targets,
                                Arrays.stream(Targets.values()).map(Targets::label).toList())),
                weights == null ? usual.weights() : Choices.of("--heal-weights", weights, Weights.values()),
                passes == null ? usual.passes() : passes,
                seam == null ? usual.seam() : Choices.of("--heal-seam", seam, Seam.values()));
    }
}
