package dev.come.cli;

import dev.come.text.TextSource;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where texts lie and how they are cut. */
final class DataOptions {
    @Option(names = "--data-dir", paramLabel = "DIR",
            description = "Folder that holds the named data sets (default: ${DEFAULT-VALUE}).")
    private Path dataDirectory = Path.of("data");

    @Option(names = "--text-field", paramLabel = "FIELD",
            description = "The field that holds the text, in a data set given as a path (default: ${DEFAULT-VALUE}).")
    private String textField = TextSource.DEFAULT_FIELD;

    @Option(names = "--seqlen", paramLabel = "TOKENS", description = "Tokens in a window (default: ${DEFAULT-VALUE}).")
    private int sequenceLength = 2048;

    TextSource source(String dataset) {
        return new TextSource(dataset, dataDirectory, textField);
    }

    Path directory() {
        return dataDirectory;
    }

    int sequenceLength() {
        return sequenceLength;
    }
}
