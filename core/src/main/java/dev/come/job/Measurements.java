package dev.come.job;

import dev.come.evaluate.Perplexity;
import dev.come.prune.Measurement;

/** Perplexities as a plan records them. */
final class Measurements {
    private Measurements() {
    }

    /** @param layers the number of layers of the stack that it was measured on */
    static Measurement of(int layers, Perplexity perplexity) {
        return new Measurement(layers, perplexity.metric(), perplexity.value(), perplexity.logError());
    }
}
