package dev.come.cli;

import dev.come.hub.Hub;
import dev.come.text.TextSource;
import dev.come.text.TextSource.Library;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where texts lie and how they are cut. */
final class DataOptions {
    @Option(names = "--data-dir", paramLabel = "DIR",
            description = "Folder that holds the named data sets (default: they are downloaded from the hub).")
    private @Nullable Path dataDirectory;

    @Option(names = "--text-field", paramLabel = "FIELD",
            description = "The field that holds the text, in a data set given as a path (default: ${DEFAULT-VALUE}).")
    private String textField = TextSource.DEFAULT_FIELD;

    @Option(names = "--seqlen", paramLabel = "TOKENS", description = "Tokens in a window (default: ${DEFAULT-VALUE}).")
    private int sequenceLength = 2048;

    /** @param hub asked for only where a named data set is to be downloaded */
    TextSource source(String dataset, Supplier<Hub> hub) {
        return new TextSource(dataset, library(hub), textField);
    }

    /** @param hub asked for only where a named data set is to be downloaded */
    Library library(Supplier<Hub> hub) {
        return dataDirectory == null ? new TextSource.OnHub(hub) : new TextSource.Folder(dataDirectory);
    }

    int sequenceLength() {
        return sequenceLength;
    }
}
