package dev.come.cli;

import dev.come.FailedException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code come prune}: makes a model smaller. */
@Command(name = "prune", description = "Merge or remove decoder layers of a model until so many are left.")
final class PruneCommand implements Runnable {
    private static final Choice METHODS = new Choice("--method", List.of("concat_merge"),
            List.of("concat_merge_P", "sleb", "shortgpt", "reverse", "mka", "laco", "taylor", "taylor+", "magnitude",
                    "magnitude+"));

    @Option(names = "--method", required = true, paramLabel = "NAME",
            description = "concat_merge: the layers' most sensitive channels and heads, put together.")
    String method = "";

    @Option(names = "--model-name", required = true, paramLabel = "DIR", description = "Folder of the model.")
    Path model = Path.of("");

    @Option(names = "--target-layers", required = true, paramLabel = "N", description = "Decoder layers to be left.")
    int targetLayers;

    @Option(names = "--dry-run",
            description = "Only tell what would be done, and what memory and time it would take; write nothing.")
    boolean dryRun;

    @ArgGroup(validate = false, heading = "%nconcat_merge:%n", order = 1)
    ConcatMergeOptions concatMerge = new ConcatMergeOptions();

    @ArgGroup(validate = false, heading = "%nCalibration:%n", order = 2)
    CalibrationOptions calibration = new CalibrationOptions();

    @ArgGroup(validate = false, heading = "%nResult:%n", order = 3)
    ResultOptions result = new ResultOptions();

    @ArgGroup(validate = false, heading = "%nComputing:%n", order = 4)
    MeasuringOptions computing = new MeasuringOptions();

    @Override
    public void run() {
        METHODS.check(method);
        concatMerge.skipMethod();
        concatMerge.compatibility();
        throw new FailedException("come prune is being built");
    }

    /** What comes out besides the model. */
    static final class ResultOptions {
        @ArgGroup(validate = false)
        OutputOptions output = new OutputOptions();

        @Option(names = "--continue-saving", description = "Write the model after each step too.")
        boolean continueSaving;

        @Option(names = "--resume", description = "Go on where an earlier run with the same options was ended.")
        boolean resume;

        @Option(names = "--ppl-data", arity = "1..*", paramLabel = "NAME",
                description = "Measure the perplexity before and after on these: wiki2, c4 or paths.")
        List<String> perplexityData = List.of();
    }

    /** What measuring the layers may use. */
    static final class MeasuringOptions {
        @ArgGroup(validate = false)
        ComputeOptions compute = new ComputeOptions();

        @Option(names = "--memory", paramLabel = "SIZE",
                description = "Memory for hidden states; what does not fit is computed again (default: "
                        + "${DEFAULT-VALUE}).")
        String memory = "512MB";
    }
}
