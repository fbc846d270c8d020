package dev.come.evaluate;

import dev.come.model.Compute;
import dev.come.stack.LayerStore;
import dev.come.text.SpecialTokens;
import dev.come.text.Tokenizer;

/**
 * A model that is measured.
 *
 * @param role what it is here: {@code model} or {@code baseline}
 * @param name the name of its folder
 * @param memory bytes of hidden states that are held at most
 */
public record ScoredModel(String role, String name, LayerStore store, Tokenizer tokenizer, SpecialTokens special,
        Compute compute, long memory) {
    /** The role of the model that is asked about. */
    public static final String MODEL = "model";
    /** The role of the model that it is compared with. */
    public static final String BASELINE = "baseline";
}
