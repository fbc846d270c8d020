package dev.come.generate;

import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.text.Tokenizer;
import java.util.Set;

/**
 * A model that writes texts.
 *
 * @param checkpoint its weights, which stay open as long as it writes
 * @param ends the tokens that end a text
 */
public record Author(Checkpoint checkpoint, ModelConfig config, Tokenizer tokenizer, Set<Integer> ends,
        Compute compute) {
    public Author {
        ends = Set.copyOf(ends);
    }
}
