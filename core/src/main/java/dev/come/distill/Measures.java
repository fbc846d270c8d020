package dev.come.distill;

import org.bytedeco.pytorch.Tensor;

/**
 * How far hidden states are from the teacher's: means over tokens.
 *
 * @param loss what is trained for, and what the best state is chosen by
 * @param kl {@link Objective#KL} over the hidden dimension at temperature 1, in nats
 * @param mse {@link Objective#MSE}
 * @param cosine {@link Objective#COSINE}: 1 - cosine
 * @param nextTokens KL of the next tokens, in nats, where the loss has a second part; NaN elsewhere
 * @param hidden that second part, {@link HiddenTerm}, without its weight; NaN elsewhere
 */
public record Measures(double loss, double kl, double mse, double cosine, double nextTokens, double hidden) {
    /** Nothing, to add to. */
    static final Measures ZERO = new Measures(0, 0, 0, 0, 0, 0);

    /** The sums over the rows. */
    static Measures sums(double loss, Tensor student, Tensor teacher) {
        return new Measures(loss, Objective.KL.sum(student, teacher, 1), Objective.MSE.sum(student, teacher, 1),
                Objective.COSINE.sum(student, teacher, 1), Double.NaN, Double.NaN);
    }

    /** The same with a loss of two parts: next tokens and a weighted hidden-state term. */
    Measures withHidden(double weight, double term) {
        return new Measures(loss + weight * term, kl, mse, cosine, loss, term);
    }

    /** Whether the loss has two parts. */
    public boolean hasHidden() {
        return !Double.isNaN(nextTokens);
    }

    Measures plus(Measures other) {
        return new Measures(loss + other.loss, kl + other.kl, mse + other.mse, cosine + other.cosine,
                nextTokens + other.nextTokens, hidden + other.hidden);
    }

    Measures dividedBy(long tokens) {
        return new Measures(loss / tokens, kl / tokens, mse / tokens, cosine / tokens, nextTokens / tokens,
                hidden / tokens);
    }
}
