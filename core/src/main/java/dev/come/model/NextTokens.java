package dev.come.model;

import java.util.stream.IntStream;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;

/** Chooses the next token of texts that lie side by side. Called by several threads, each for other texts. */
@FunctionalInterface
public interface NextTokens {
    /** Stands for a token where logits are no numbers. */
    int NONE = -1;

    /** Takes the likeliest token. */
    NextTokens LIKELIEST = (logits, _) -> likeliest(logits);

    /**
     * Chooses.
     *
     * @param logits {@code (texts, vocabulary)}
     * @param first the place of the first of these texts among all
     * @return a token for each; {@link #NONE} where logits are no numbers
     */
    int[] of(Tensor logits, int first);

    /** Where the largest logit of each row is. */
    private static int[] likeliest(Tensor logits) {
        double[] largest = Tensors.doubles(logits.amax(new long[]{1}, false));
        double[] ids = Tensors.doubles(logits.argmax(new LongOptional(1), false));
        return IntStream.range(0, ids.length).map(i -> Double.isFinite(largest[i]) ? (int) ids[i] : NONE).toArray();
    }
}
