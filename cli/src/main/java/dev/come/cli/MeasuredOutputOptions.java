package dev.come.cli;

import dev.come.hub.Hub;
import dev.come.job.PerplexityOptions;
import dev.come.job.Saving;
import java.util.function.Supplier;

/** Where a model is written to, and what perplexity is measured on before and after. */
class MeasuredOutputOptions {
    @Section
    private OutputOptions output = new OutputOptions();

    @Section
    private PerplexityData perplexity = new PerplexityData();

    Saving saving() {
        return output.saving();
    }

    PerplexityOptions perplexity(DataOptions data, Supplier<Hub> hub) {
        return perplexity.options(data, hub);
    }
}
