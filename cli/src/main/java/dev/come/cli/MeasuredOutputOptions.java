package dev.come.cli;

import dev.come.hub.Hub;
import dev.come.job.PerplexityOptions;
import dev.come.job.Resumption;
import dev.come.job.Saving;
import java.util.function.Supplier;

/** Where a model is written to, and what perplexity is measured on before and after. */
final class MeasuredOutputOptions {
    @Section
    private OutputOptions output = new OutputOptions();

    @Section
    private ResumptionOptions interrupted = new ResumptionOptions();

    @Section
    private PerplexityData perplexity = new PerplexityData();

    /** Whether a folder to write to was given. */
    boolean isPlaceKnown() {
        return output.isPlaceKnown();
    }

    Saving saving() {
        return output.saving();
    }

    Resumption resumption() {
        return interrupted.resumption();
    }

    PerplexityOptions perplexity(DataOptions data, Supplier<Hub> hub) {
        return perplexity.options(data, hub);
    }
}
