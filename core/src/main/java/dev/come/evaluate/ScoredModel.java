package dev.come.evaluate;

import dev.come.generate.Author;
import dev.come.generate.StopTexts;
import dev.come.model.Compute;
import dev.come.run.ContinuationScores;
import dev.come.run.OtherMachines;
import dev.come.run.Scorer;
import dev.come.run.ScoresElsewhere;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.SpecialTokens;
import dev.come.text.Tokenizer;
import java.util.Optional;
import java.util.Set;

/**
 * A model that is measured.
 *
 * @param role what it is here: {@code model} or {@code baseline}
 * @param name the name of its folder
 * @param ends the tokens that end a text that it writes
 * @param memory bytes of hidden states, or of keys and values, that are held at most
 * @param machines others that have the model too, and do what can be divided
 */
public record ScoredModel(String role, String name, LayerStore store, Tokenizer tokenizer, SpecialTokens special,
        Set<Integer> ends, Compute compute, long memory, Optional<OtherMachines> machines) {
    /** The role of the model that is asked about. */
    public static final String MODEL = "model";
    /** The role of the model that it is compared with. */
    public static final String BASELINE = "baseline";

    /** How likely it holds continuations; closed by the caller. */
    Scorer scorer() {
        LayerStack dense = LayerStack.dense(store.config().layers());
        return machines.<Scorer>map(others -> new ScoresElsewhere(others, dense))
                .orElseGet(() -> new ContinuationScores(store, dense, compute, memory));
    }

    /** The same as it writes texts. */
    Author author() {
        return new Author(store.checkpoint(), store.config(), tokenizer, ends, compute);
    }

    /** Stop texts, and the text of the token that ends texts. */
    StopTexts endingToo(StopTexts until) {
        return special.end().isEmpty() ? until : until.and(tokenizer.decode(new int[]{special.end().getAsInt()}));
    }
}
