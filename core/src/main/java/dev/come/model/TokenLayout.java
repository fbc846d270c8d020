package dev.come.model;

import java.util.Arrays;

/**
 * How a chunk of tokens falls into sequences: they lie end to end without padding, and attention stays inside each.
 *
 * @param lengths tokens of each sequence
 * @param firstPosition the position of the first token of each sequence; not 0 only where a key-value cache holds what
 *        came before
 */
public record TokenLayout(int[] lengths, int firstPosition) {
    /** A chunk of whole sequences. */
    public static TokenLayout of(int... lengths) {
        return new TokenLayout(lengths, 0);
    }

    /** All tokens of the chunk. */
    public int tokens() {
        return Arrays.stream(lengths).sum();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TokenLayout that && firstPosition == that.firstPosition
                && Arrays.equals(lengths, that.lengths);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(lengths) + firstPosition;
    }

    @Override
    public String toString() {
        return "TokenLayout[" + Arrays.toString(lengths) + " from " + firstPosition + "]";
    }
}
