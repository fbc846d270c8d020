package dev.come.cli;

import dev.come.hub.Hub;
import dev.come.text.TextSource;
import dev.come.text.TextSource.Library;
import dev.come.text.WindowLength;
import java.nio.file.Path;
import java.util.OptionalInt;
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

    @Option(names = "--seqlen", paramLabel = "TOKENS", description = {
        "Tokens in a window, at most the number of the model's positions (default: " + WindowLength.USUAL
                + ", or the positions if they are fewer)."})
    private @Nullable Integer sequenceLength;

    @Option(names = "--beyond-positions",
            description = "Let --seqlen be greater than the model's positions; the results say so.")
    private boolean beyondPositions;

    /** @param hub asked for only where a named data set is to be downloaded */
    TextSource source(String dataset, Supplier<Hub> hub) {
        return new TextSource(dataset, library(hub), textField);
    }

    /** @param hub asked for only where a named data set is to be downloaded */
    Library library(Supplier<Hub> hub) {
        return library(dataDirectory, hub);
    }

    /** The named data sets of a folder, or those of the hub where there is no folder. */
    static Library library(@Nullable Path folder, Supplier<Hub> hub) {
        return folder == null ? new TextSource.OnHub(hub) : new TextSource.Folder(folder);
    }

    String textField() {
        return textField;
    }

    /** @throws dev.come.UsageException if it cannot be */
    WindowLength windows() {
        return new WindowLength(sequenceLength == null ? OptionalInt.empty() : OptionalInt.of(sequenceLength),
                beyondPositions);
    }
}
