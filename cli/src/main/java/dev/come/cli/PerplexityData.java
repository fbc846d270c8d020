package dev.come.cli;

import dev.come.UsageException;
import dev.come.hub.Hub;
import dev.come.job.PerplexityOptions;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The texts that perplexity is measured on. */
final class PerplexityData {
    @Option(names = "--ppl-data", arity = "1..*", split = ",", paramLabel = "NAME...", hideParamSyntax = true,
            description = "Texts to measure perplexity on: wiki2, c4 or paths; with blanks or commas between.")
    private List<String> texts = List.of();

    @Option(names = "--ppl-windows", paramLabel = "N",
            description = "Take only the first N windows of each (default: all).")
    private @Nullable Integer windows;

    @Option(names = "--stride", paramLabel = "TOKENS", description = {
        "Tokens from the start of one window to the start of the next (default: --seqlen, windows side by side).",
        "Only tokens that are in no earlier window are scored; they then have at least seqlen - stride before them."})
    private @Nullable Integer stride;

    PerplexityOptions options(DataOptions data, Supplier<Hub> hub) {
        if (stride != null && texts.isEmpty()) {
            throw new UsageException("--stride says how perplexity is measured, but --ppl-data is missing");
        }
        return new PerplexityOptions(texts.stream().map(text -> data.source(text, hub)).toList(), data.windows(),
                stride == null ? OptionalInt.empty() : OptionalInt.of(stride),
                windows == null ? PerplexityOptions.ALL_WINDOWS : windows);
    }
}
