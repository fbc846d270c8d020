package dev.come.distill;

import org.bytedeco.pytorch.Tensor;

/**
 * How far hidden states are from the teacher's: means over tokens.
 *
 * @param loss what is trained for, and what the best state is chosen by
 * @param kl {@link Objective#KL} over the hidden dimension at temperature 1, in nats
 * @param mse {@link Objective#MSE}
 * @param cosine {@link Objective#COSINE}: 1 - cosine
 * @param nextTokens KL of the next tokens, in nats, where the loss has more parts; NaN elsewhere
 * @param hidden such a part, {@link HiddenTerm}, without its weight; NaN elsewhere
 * @param crossEntropy such a part, that of the text, in nats, without its weight; the last token of a window, after which none
 *        comes, counts as 0; NaN elsewhere
 */
public record Measures(double loss, double kl, double mse, double cosine, double nextTokens, double hidden,
        double crossEntropy) {
    /** Nothing, to add to. */
    static final Measures ZERO = new Measures(0, 0, 0, 0, 0, 0, 0);

    /** The sums over the rows. */
    static Measures sums(double loss, Tensor student, Tensor teacher) {
        return new Measures(loss, Objective.KL.sum(student, teacher, 1), Objective.MSE.sum(student, teacher, 1),
                Objective.COSINE.sum(student, teacher, 1), Double.NaN, Double.NaN, Double.NaN);
    }

    /** The same with a weighted hidden-state term in the loss. */
    Measures withHidden(double weight, double term) {
        return new Measures(loss + weight * term, kl, mse, cosine, hasParts() ? nextTokens : loss, term, crossEntropy);
    }

    /** The same with the weighted cross-entropy of the text in the loss. */
    Measures withCrossEntropy(double weight, double entropy) {
        return new Measures(loss + weight * entropy, kl, mse, cosine, hasParts() ? nextTokens : loss, hidden, entropy);
    }

    /** Whether the loss has several parts. */
    public boolean hasParts() {
        return !Double.isNaN(nextTokens);
    }

    /** Whether the hidden-state term is one of them. */
    public boolean hasHidden() {
        return !Double.isNaN(hidden);
    }

    /** Whether the cross-entropy of the text is one of them. */
    public boolean hasCrossEntropy() {
        return !Double.isNaN(crossEntropy);
    }

    Measures plus(Measures other) {
        return new Measures(loss + other.loss, kl + other.kl, mse + other.mse, cosine + other.cosine,
                nextTokens + other.nextTokens, hidden + other.hidden,
                crossEntropy + other.crossEntropy);
    }

    Measures dividedBy(long tokens) {
        return new Measures(loss / tokens, kl / tokens, mse / tokens, cosine / tokens, nextTokens / tokens,
                hidden / tokens, crossEntropy / tokens);
    }
}
