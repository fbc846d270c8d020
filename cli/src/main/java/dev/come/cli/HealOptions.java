package dev.come.cli;

import dev.come.heal.Healing;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Seam;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
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
        "down, down+o or all (default: ${DEFAULT-VALUE}).",
        "The projections that are refitted: that of the feed-forward half, also that of attention, or those too that read:"
                + " of queries, keys and values, of gate and up."})
    private String targets = Healing.Options.DEFAULTS.targets().label();

    @Option(names = "--heal-weights", paramLabel = "HOW", description = {
        "norm, uniform or loss (default: ${DEFAULT-VALUE}).",
        "How much a token counts: each the same, as much as the square of its state's length, or as the dense model's loss"
                + " on the next token."})
    private String weights = Choice.name(Healing.Options.DEFAULTS.weights());

    @Option(names = "--heal-passes", paramLabel = "N", description = {
        "How often all layers are refitted, one after the other (default: ${DEFAULT-VALUE}).",
        "A pass after the first is only taken if it makes the loss less on text that is held out."})
    private int passes = Healing.Options.DEFAULTS.passes();

    @Option(names = "--heal-seam", paramLabel = "HOW", description = {
        "once or pair (default: ${DEFAULT-VALUE}).",
        "pair: the layers before and after a gap are refitted with all targets, and then both once more, which only"
                + " counts if the state behind them comes nearer to the dense one."})
    private String seam = Choice.name(Healing.Options.DEFAULTS.seam());

    Healing.Options options() {
        List<String> labels = Arrays.stream(Targets.values()).map(Targets::label).toList();
        return new Healing.Options(
                Choice.of("--heal-scope", scope, Scope.values()),
                Targets.labelled(new Choice("--heal-targets", labels).check(targets)),
                Choice.of("--heal-weights", weights, Weights.values()), passes,
                Choice.of("--heal-seam", seam, Seam.values()));
    }
}
