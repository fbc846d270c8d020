package dev.come.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where texts lie and how they are cut. */
final class DataOptions {
    @Option(names = "--data-dir", paramLabel = "DIR",
            description = "Folder that holds the named data sets (default: ${DEFAULT-VALUE}).")
    Path dataDirectory = Path.of("data");

    @Option(names = "--text-field", paramLabel = "FIELD",
            description = "The field that holds the text, in a data set given as a path (default: ${DEFAULT-VALUE}).")
    String textField = "text";

    @Option(names = "--seqlen", paramLabel = "TOKENS", description = "Tokens in a window (default: ${DEFAULT-VALUE}).")
    int sequenceLength = 2048;
}
