package dev.come.cli;

import dev.come.heal.Healing;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Targets;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Option;

/** How a pruned model is healed in closed form. */
final class HealOptions {
    @Option(names = "--heal-scope", paramLabel = "WHICH", description = {
        "cut or all (default: ${DEFAULT-VALUE}).",
        "cut: merged layers, and those before and after layers that were left out.",
        "all: every layer from the first edit on."})
    private String scope = Choice.name(Healing.Options.DEFAULTS.scope());

    @Option(names = "--heal-targets", paramLabel = "WHICH", description = {
        "down or down+o (default: ${DEFAULT-VALUE}).",
        "The projections that are refitted: that of the feed-forward half, or also that of attention."})
    private String targets = Healing.Options.DEFAULTS.targets().label();

    Healing.Options options() {
        List<String> labels = Arrays.stream(Targets.values()).map(Targets::label).toList();
        return new Healing.Options(
                Choice.of("--heal-scope", scope, Scope.values()),
                Targets.labelled(new Choice("--heal-targets", labels).check(targets)));
    }
}
