package dev.come.cli;

import dev.come.FailedException;
import java.nio.file.Path;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code come generate}: lets a model continue a text. */
@Command(name = "generate", description = "Let a model continue a text.")
final class GenerateCommand implements Runnable {
    @Option(names = "--model-name", required = true, paramLabel = "DIR", description = "Folder of the model.")
    Path model = Path.of("");

    @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "The text to continue.")
    String prompt = "";

    @Option(names = "--max-new-tokens", paramLabel = "N",
            description = "Stop after so many tokens (default: ${DEFAULT-VALUE}).")
    int maxNewTokens = 64;

    @Option(names = "--temperature", paramLabel = "T",
            description = "0: always the likeliest token; above: draw tokens, the higher the wilder (default: "
                    + "${DEFAULT-VALUE}).")
    double temperature;

    @Option(names = "--seed", paramLabel = "N", description = "Decides what is drawn (default: ${DEFAULT-VALUE}).")
    long seed = 10;

    @ArgGroup(validate = false, heading = "%nComputing:%n", order = 1)
    ComputeOptions computing = new ComputeOptions();

    @Override
    public void run() {
        throw new FailedException("come generate is being built");
    }
}
