package dev.come.api;

import dev.come.heal.Healing;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Targets;
import dev.come.job.Choices;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** How a pruned model is healed in closed form, as far as it was said. */
final class HealOptions {
    private @Nullable String scope;
    private @Nullable String targets;

    void scope(String name) {
        scope = name;
    }

    void targets(String name) {
        targets = name;
    }

    boolean isSaid() {
        return scope != null || targets != null;
    }

    Healing.Options options() {
        Healing.Options usual = Healing.Options.DEFAULTS;
        return new Healing.Options(scope == null ? usual.scope() : Choices.of("--heal-scope", scope, Scope.values()),
                targets == null
                        ? usual.targets()
                        : Targets.labelled(Choices.check("--heal-targets", targets,
                                Arrays.stream(Targets.values()).map(Targets::label).toList())));
    }
}
