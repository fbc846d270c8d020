package dev.come.cli;

import dev.come.FailedException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code come apply}: makes a pruned model again from its plan. */
@Command(name = "apply",
        description = "Make a pruned model from the plan of an earlier run, without measuring anything.")
final class ApplyCommand implements Runnable {
    @Option(names = "--plan", required = true, paramLabel = "FILE", description = "The come.json of that run.")
    Path plan = Path.of("");

    @Option(names = "--target-layers", paramLabel = "N",
            description = "Stop at this step of the run (default: its last).")
    @Nullable
    Integer targetLayers;

    @Option(names = "--model-name", paramLabel = "DIR",
            description = "Folder of the original model (default: where the plan says).")
    @Nullable
    Path model;

    @ArgGroup(validate = false, heading = "%nResult:%n", order = 1)
    OutputOptions output = new OutputOptions();

    @Override
    public void run() {
        throw new FailedException("come apply is being built");
    }
}
