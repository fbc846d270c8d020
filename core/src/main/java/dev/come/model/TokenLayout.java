package dev.come.model;

import java.io.Serializable;
import java.util.Arrays;

/**
 * How a chunk of tokens falls into sequences: they lie end to end without padding, and attention stays inside each.
 *
 * <p>A sequence may go on from another one instead of beginning anew. Its tokens then see those of that sequence, and of what
 * that one goes on from in turn, as if all were one text; so several continuations of a text share the work on it.
 *
 * @param lengths tokens of each sequence
 * @param parents for each sequence the number of an earlier one that it goes on from, or {@link #ROOT}
 * @param firstPosition the position of the first token of each sequence that begins anew; not 0 only where a key-value cache
 *        holds what came before
 */
public record TokenLayout(int[] lengths, int[] parents, int firstPosition) implements Serializable {
    /** The parent of a sequence that begins anew. */
    public static final int ROOT = -1;

    /** @throws IllegalArgumentException if a sequence does not go on from an earlier one, or does so with a cache */
    public TokenLayout {
        if (parents.length != lengths.length) {
            throw new IllegalArgumentException(parents.length + " parents for " + lengths.length + " sequences");
        }
        for (int i = 0; i < parents.length; i++) {
            if (parents[i] < ROOT || parents[i] >= i || (parents[i] != ROOT && firstPosition != 0)) {
                throw new IllegalArgumentException("sequence " + i + " cannot go on from " + parents[i]);
            }
        }
    }

    /** Sequences that all begin anew. */
    public TokenLayout(int[] lengths, int firstPosition) {
        this(lengths, roots(lengths.length), firstPosition);
    }

    /** A chunk of whole sequences. */
    public static TokenLayout of(int... lengths) {
        return new TokenLayout(lengths, 0);
    }

    /** A chunk of sequences, where some go on from others. */
    public static TokenLayout forest(int[] lengths, int[] parents) {
        return new TokenLayout(lengths, parents, 0);
    }

    private static int[] roots(int count) {
        int[] roots = new int[count];
        Arrays.fill(roots, ROOT);
        return roots;
    }

    /** All tokens of the chunk. */
    public int tokens() {
        return Arrays.stream(lengths).sum();
    }

    /** Whether every sequence begins anew. */
    boolean haveNoParents() {
        return Arrays.stream(parents).allMatch(parent -> parent == ROOT);
    }

    /** The position of the first token of a sequence in the text that it ends. */
    public int firstPosition(int sequence) {
        int position = firstPosition;
        for (int ancestor = parents[sequence]; ancestor != ROOT; ancestor = parents[ancestor]) {
            position += lengths[ancestor];
        }
        return position;
    }

    /** Where the first token of each sequence lies in the chunk. */
    int[] starts() {
        int[] starts = new int[lengths.length];
        for (int i = 1; i < starts.length; i++) {
            starts[i] = starts[i - 1] + lengths[i - 1];
        }
        return starts;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TokenLayout that && firstPosition == that.firstPosition
                && Arrays.equals(lengths, that.lengths) && Arrays.equals(parents, that.parents);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * Arrays.hashCode(lengths) + Arrays.hashCode(parents)) + firstPosition;
    }

    @Override
    public String toString() {
        return "TokenLayout[" + Arrays.toString(lengths) + " after " + Arrays.toString(parents) + " from "
                + firstPosition + "]";
    }
}
