package dev.come.run;

import java.io.Serializable;
import java.util.Arrays;

/**
 * A text whose end is to be scored: how likely it is after what comes before it.
 *
 * @param ids the tokens of context and continuation
 * @param scored how many of the last ids are the continuation; at least one, and at least one id comes before them
 */
public record Continuation(int[] ids, int scored) implements Serializable {
    /** @throws IllegalArgumentException if there is nothing to score, or nothing before it */
    public Continuation {
        if (scored < 1 || scored >= ids.length) {
            throw new IllegalArgumentException(scored + " of " + ids.length + " tokens cannot be scored");
        }
    }

    /** What goes through the model: all ids but the last, which nothing is predicted from. */
    int[] input() {
        return Arrays.copyOf(ids, ids.length - 1);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Continuation that && scored == that.scored && Arrays.equals(ids, that.ids);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(ids) + scored;
    }

    @Override
    public String toString() {
        return "Continuation[the last " + scored + " of " + Arrays.toString(ids) + "]";
    }

    /**
     * How likely a continuation is.
     *
     * @param logLikelihood the natural logarithm of the probability of all of its tokens
     * @param greedy whether each of its tokens is the likeliest one
     */
    public record Score(double logLikelihood, boolean greedy) implements Serializable {}
}
