package dev.come.cli;

import dev.come.UsageException;
import dev.come.text.SearchWindows;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The part of the calibration text on which layers are chosen. */
final class SearchOptions {
    @Option(names = "--search-windows", paramLabel = "N", description = {
        "Choose layers on N windows of the calibration text, spread evenly over it (default: all of it).",
        "Healing takes all of it."})
    private @Nullable Integer windows;

    @Option(names = "--search-seqlen", paramLabel = "TOKENS",
            description = "Tokens in each of these windows (default: as --seqlen).")
    private @Nullable Integer length;

    Optional<SearchWindows> windows() {
        if (windows == null) {
            if (length != null) {
                throw new UsageException("--search-seqlen says how long the windows of --search-windows are;"
                        + " say how many, or leave it out");
            }
            return Optional.empty();
        }
        return Optional.of(new SearchWindows(windows, length == null ? OptionalInt.empty() : OptionalInt.of(length)));
    }
}
