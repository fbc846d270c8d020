package dev.come.cli;

import dev.come.ByteSize;
import dev.come.Progress;
import dev.come.job.Estimate;
import dev.come.job.PruneJob;
import dev.come.job.Saving;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come prune}: makes a model smaller. */
@Command(name = "prune", description = "Merge or remove decoder layers of a model until so many are left.")
final class PruneCommand implements Runnable {
    private static final Choice METHODS = new Choice("--method", List.of("concat_merge"),
            List.of("concat_merge_P", "sleb", "shortgpt", "reverse", "mka", "laco", "taylor", "taylor+", "magnitude",
                    "magnitude+"));

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--method", required = true, paramLabel = "NAME",
            description = "concat_merge: the layers' most sensitive channels and heads, put together.")
    private String method = "";

    @Option(names = "--model-name", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model = Path.of("");

    @Option(names = "--target-layers", required = true, paramLabel = "N", description = "Decoder layers to be left.")
    private int targetLayers;

    @Option(names = "--dry-run",
            description = "Only tell what would be done, and what memory and time it would take; write nothing.")
    private boolean dryRun;

    @ArgGroup(validate = false, heading = "%nconcat_merge:%n", order = 1)
    private ConcatMergeOptions concatMerge = new ConcatMergeOptions();

    @ArgGroup(validate = false, heading = "%nCalibration:%n", order = 2)
    private CalibrationOptions calibration = new CalibrationOptions();

    @ArgGroup(validate = false, heading = "%nResult:%n", order = 3)
    private ResultOptions result = new ResultOptions();

    @ArgGroup(validate = false, heading = "%nComputing:%n", order = 4)
    private ComputeOptions computing = new ComputeOptions();

    /** What comes out besides the model. */
    static final class ResultOptions {
        @ArgGroup(validate = false)
        private OutputOptions output = new OutputOptions();

        @Option(names = "--continue-saving",
                description = "Write the model after each step, each into a folder of its own below --save-path.")
        private boolean continueSaving;

        @Option(names = "--resume", description = "Go on where an earlier run with the same options was ended.")
        private boolean resume;

        @ArgGroup(validate = false)
        private PerplexityData perplexity = new PerplexityData();
    }

    @Override
    public void run() {
        METHODS.check(method);
        PrintWriter out = spec.commandLine().getOut();
        Progress progress = main.progress(spec.commandLine().getErr());
        Saving saving = dryRun ? new Saving(Path.of("dry-run"), Long.MAX_VALUE, false) : result.output.saving();
        PruneJob job = new PruneJob(new PruneJob.Options(model, concatMerge.method(),
                targetLayers, concatMerge.reading(), calibration.options(),
                result.perplexity.options(calibration.data()), computing.choice(), saving,
                result.continueSaving, result.resume), progress);
        if (dryRun) {
            print(job.estimate(), out);
        } else {
            long started = System.nanoTime();
            PruneJob.Result pruned = job.run();
            PrunedModels.print(pruned, Duration.ofNanos(System.nanoTime() - started), out);
        }
    }

    private static void print(Estimate estimate, PrintWriter out) {
        Table table = new Table("", "now", "after");
        table.row("layers", "" + estimate.layers(), "" + estimate.targetLayers());
        table.row("parameters", number(estimate.denseParameters()), number(estimate.parameters()));
        out.println(table);
        out.println();
        out.printf(Locale.ROOT, "Calibration: %,d sequences, %,d tokens, computed in %s.%n", estimate.sequences(),
                estimate.tokens(), estimate.dtype());
        out.printf(Locale.ROOT, "To expect: about %s of memory%s, and about %s.%n",
                ByteSize.format(estimate.memoryBytes()),
                estimate.diskBytes() == 0 ? "" : ", " + ByteSize.format(estimate.diskBytes()) + " of temporary file",
                Units.time(estimate.duration()));
        out.println("Nothing was written.");
    }

    static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }
}
