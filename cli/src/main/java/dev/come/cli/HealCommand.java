package dev.come.cli;

import dev.come.evaluate.Perplexity;
import dev.come.heal.Healing;
import dev.come.job.ComputeChoice;
import dev.come.job.HealJob;
import dev.come.job.PerplexityOptions;
import dev.come.job.Saving;
import dev.come.text.CalibrationSet;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come heal}: refits a pruned model to the dense one. */
@Command(name = "heal", description = {
    "Refit the layers of a pruned model to the dense model, in closed form and without gradients.",
    "The same as --heal ridge of come prune, for a model that was pruned before."},
        footer = {"", "Example:",
            "  come heal --model small --teacher HuggingFaceTB/SmolLM2-135M", "      --save-path healed"})
final class HealCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PrunedModelOptions model = new PrunedModelOptions();

    @Mixin
    private JsonOption json = new JsonOption();

    @Section(heading = "%nHealing:%n", order = 1)
    private HealOptions healing = new HealOptions();

    @Section(heading = "%nCalibration:%n", order = 2)
    private CalibrationOptions calibration = new CalibrationOptions();

    @Section(heading = "%nResult:%n", order = 3)
    private MeasuredOutputOptions result = new MeasuredOutputOptions();

    @Section(heading = "%nComputing:%n", order = 4)
    private ComputeOptions computing = new ComputeOptions();

    @Section(heading = "%nCluster:%n", order = 5)
    private ClusterOptions cluster = new ClusterOptions();

    @Override
    public void run() {
        main.beginning(spec.commandLine());
        Saving saving = result.saving().reading(model.paths());
        long started = System.nanoTime();
        Healing.Options options = healing.options();
        CalibrationSet.Source source = calibration.source(model.hub());
        PerplexityOptions perplexity = result.perplexity(calibration.data(), model.hub());
        ComputeChoice choice = computing.choice(main.progress(spec.commandLine().getErr()))
                .on(cluster.choice());
        // Last, so that a mistyped option is refused before anything is downloaded.
        HealJob.Result healed = new HealJob(
                new HealJob.Options(model.folder(), model.teacher(), options, source, perplexity, choice, saving,
                        result.resumption()),
                main.progress(spec.commandLine().getErr())).run();
        PrintWriter out = json.text();
        if (!healed.perplexities().isEmpty()) {
            Table table = new Table("", "dense", "pruned", "healed");
            Metrics metrics = new Metrics(healed.perplexities().stream().map(one -> one.getFirst().metric()).toList());
            for (List<Perplexity> ofText : healed.perplexities()) {
                table.row(Stream.concat(Stream.of(metrics.label(ofText.getFirst().metric())),
                        ofText.stream().map(one -> PrunedModels.decimals(one.value()))).toArray(String[]::new));
            }
            PrunedModels.print(table, metrics, out);
            out.println();
        }
        out.println("Layers: " + healed.plan().last().tree());
        out.printf("Time: %s, of it %s to heal; computed in %s.%n",
                Units.time(Duration.ofNanos(System.nanoTime() - started)), Units.time(healed.healing()),
                healed.dtype());
        out.println("Model:  " + saving.folder());
        main.report(List.of(saving.folder()), spec.commandLine(), json);
    }
}
