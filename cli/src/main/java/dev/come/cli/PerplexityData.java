package dev.come.cli;

import dev.come.hub.Hub;
import dev.come.job.PerplexityOptions;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The texts that perplexity is measured on. */
final class PerplexityData {
    @Option(names = "--ppl-data", arity = "1..*", paramLabel = "NAME",
            description = "Texts to measure perplexity on: wiki2, c4 or paths.")
    private List<String> texts = List.of();

    @Option(names = "--ppl-windows", paramLabel = "N",
            description = "Take only the first N windows of each (default: all).")
    private @Nullable Integer windows;

    PerplexityOptions options(DataOptions data, Supplier<Hub> hub) {
        return new PerplexityOptions(texts.stream().map(text -> data.source(text, hub)).toList(), data.sequenceLength(),
                windows == null ? PerplexityOptions.ALL_WINDOWS : windows);
    }
}
