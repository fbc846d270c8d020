package dev.come.distill;

import org.bytedeco.pytorch.Tensor;

/**
 * How far hidden states are from the teacher's: means over tokens.
 *
 * @param loss what is trained for
 * @param kl {@link Objective#KL} over the hidden dimension at temperature 1, in nats
 * @param mse {@link Objective#MSE}
 * @param cosine {@link Objective#COSINE}: 1 - cosine
 */
public record Measures(double loss, double kl, double mse, double cosine) {
    /** Nothing, to add to. */
    static final Measures ZERO = new Measures(0, 0, 0, 0);

    /** The sums over the rows. */
    static Measures sums(double loss, Tensor student, Tensor teacher) {
        return new Measures(loss, Objective.KL.sum(student, teacher, 1), Objective.MSE.sum(student, teacher, 1),
                Objective.COSINE.sum(student, teacher, 1));
    }

    Measures plus(Measures other) {
        return new Measures(loss + other.loss, kl + other.kl, mse + other.mse, cosine + other.cosine);
    }

    Measures dividedBy(long tokens) {
        return new Measures(loss / tokens, kl / tokens, mse / tokens, cosine / tokens);
    }
}
