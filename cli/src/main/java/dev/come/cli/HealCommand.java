package dev.come.cli;

import dev.come.job.HealJob;
import dev.come.job.Saving;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come heal}: refits a pruned model to the dense one. */
@Command(name = "heal", description = {
    "Refit the layers of a pruned model in closed form to what the dense model does; no gradients.",
    "The same as --heal ridge of come prune, for a model that was pruned before."})
final class HealCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--model-name", required = true, paramLabel = "DIR",
            description = "Folder of the pruned model, with its come.json.")
    private Path pruned = Path.of("");

    @Option(names = "--teacher", required = true, paramLabel = "DIR",
            description = "Folder of the dense model that it was made from.")
    private Path teacher = Path.of("");

    @ArgGroup(validate = false, heading = "%nHealing:%n", order = 1)
    private HealOptions healing = new HealOptions();

    @ArgGroup(validate = false, heading = "%nCalibration:%n", order = 2)
    private CalibrationOptions calibration = new CalibrationOptions();

    @ArgGroup(validate = false, heading = "%nResult:%n", order = 3)
    private ResultOptions result = new ResultOptions();

    @ArgGroup(validate = false, heading = "%nComputing:%n", order = 4)
    private ComputeOptions computing = new ComputeOptions();

    /** What comes out. */
    static final class ResultOptions {
        @ArgGroup(validate = false)
        private OutputOptions output = new OutputOptions();

        @ArgGroup(validate = false)
        private PerplexityData perplexity = new PerplexityData();
    }

    @Override
    public void run() {
        Saving saving = result.output.saving();
        long started = System.nanoTime();
        HealJob.Result healed = new HealJob(
                new HealJob.Options(pruned, teacher, healing.options(), calibration.source(),
                        result.perplexity.options(calibration.data()), computing.choice(), saving),
                main.progress(spec.commandLine().getErr())).run();
        PrintWriter out = spec.commandLine().getOut();
        if (!healed.perplexities().isEmpty()) {
            Table table = new Table("", "dense", "pruned", "healed");
            healed.perplexities().forEach((metric, values) -> table.row(metric, PrunedModels.decimals(values.get(0)),
                    PrunedModels.decimals(values.get(1)), PrunedModels.decimals(values.get(2))));
            out.println(table);
            out.println();
        }
        out.println("Layers: " + healed.plan().last().tree());
        out.printf("Time: %s, of it %s to heal; computed in %s.%n",
                Units.time(Duration.ofNanos(System.nanoTime() - started)), Units.time(healed.healing()),
                healed.dtype());
        out.println("Model:  " + saving.folder());
    }
}
