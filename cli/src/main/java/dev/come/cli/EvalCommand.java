package dev.come.cli;

import dev.come.FailedException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code come eval}: measures a model. */
@Command(name = "eval", description = "Measure the perplexity of a model.")
final class EvalCommand implements Runnable {
    @Option(names = "--model-name", required = true, paramLabel = "DIR", description = "Folder of the model.")
    Path model = Path.of("");

    @Option(names = "--ppl-data", required = true, arity = "1..*", paramLabel = "NAME",
            description = "Texts to measure it on: wiki2, c4 or paths.")
    List<String> perplexityData = List.of();

    @ArgGroup(validate = false, heading = "%nData:%n", order = 1)
    DataOptions data = new DataOptions();

    @ArgGroup(validate = false, heading = "%nComputing:%n", order = 2)
    ComputeOptions computing = new ComputeOptions();

    @Override
    public void run() {
        throw new FailedException("come eval is being built");
    }
}
