package dev.come.model;

import java.io.Serializable;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How a chunk of tokens falls into sequences: they lie end to end without padding, and attention stays inside each.
 *
 * <p>A sequence may go on from another one instead of beginning anew. Its tokens then see those of that sequence, and of what
 * that one goes on from in turn, as if all were one text; so several continuations of a text share the work on it.
 *
 * @param lengths tokens of each sequence
 * @param parents for each sequence the number of an earlier one that it goes on from, or {@link #ROOT}
 * @param firstPositions the position of the first token of each sequence that begins anew; not 0 only where a key-value cache
 *        holds what came before
 */
public record TokenLayout(int[] lengths, int[] parents, int[] firstPositions) implements Serializable {
    /** The parent of a sequence that begins anew. */
    public static final int ROOT = -1;

    /** @throws IllegalArgumentException if a sequence does not go on from an earlier one, or does so with a cache */
    public TokenLayout {
        if (parents.length != lengths.length || firstPositions.length != lengths.length) {
            throw new IllegalArgumentException(parents.length + " parents and " + firstPositions.length
                    + " first positions for " + lengths.length + " sequences");
        }
        boolean cached = Arrays.stream(firstPositions).anyMatch(position -> position != 0);
        for (int i = 0; i < parents.length; i++) {
            if (parents[i] < ROOT || parents[i] >= i || (parents[i] != ROOT && cached)) {
                throw new IllegalArgumentException("sequence " + i + " cannot go on from " + parents[i]);
            }
        }
    }

    /** Sequences that all begin anew. */
    public TokenLayout(int[] lengths, int firstPosition) {
        this(lengths, filled(lengths.length, ROOT), filled(lengths.length, firstPosition));
    }

    /** Sequences that go on from what a cache holds of each. */
    static TokenLayout after(int[] firstPositions, int[] lengths) {
        return new TokenLayout(lengths, filled(lengths.length, ROOT), firstPositions);
    }

    /** A chunk of whole sequences. */
    public static TokenLayout of(int... lengths) {
        return new TokenLayout(lengths, 0);
    }

    /** A chunk of sequences, where some go on from others. */
    public static TokenLayout forest(int[] lengths, int[] parents) {
        return new TokenLayout(lengths, parents, filled(lengths.length, 0));
    }

    private static int[] filled(int count, int value) {
        int[] values = new int[count];
        Arrays.fill(values, value);
        return values;
    }

    /** All tokens of the chunk. */
    public int tokens() {
        return Arrays.stream(lengths).sum();
    }

    /** Whether every sequence begins anew. */
    boolean haveNoParents() {
        return Arrays.stream(parents).allMatch(parent -> parent == ROOT);
    }

    /** Whether every sequence is one token, that goes on from what a cache holds or from nothing. */
    boolean isOneTokenEach() {
        return tokens() == lengths.length && haveNoParents();
    }

    /** Whether all sequences begin at the same position. */
    boolean beginLevel() {
        return Arrays.stream(firstPositions).allMatch(position -> position == firstPositions[0]);
    }

    /** How many tokens the longest text has, what is in the cache counted. */
    int longest() {
        return IntStream.range(0, lengths.length).map(i -> firstPosition(i) + lengths[i]).max().orElse(0);
    }

    /** The position of the first token of a sequence in the text that it ends. */
    public int firstPosition(int sequence) {
        int position = firstPositions[sequence];
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
        return other instanceof TokenLayout that && Arrays.equals(firstPositions, that.firstPositions)
                && Arrays.equals(lengths, that.lengths) && Arrays.equals(parents, that.parents);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * Arrays.hashCode(lengths) + Arrays.hashCode(parents)) + Arrays.hashCode(firstPositions);
    }

    @Override
    public String toString() {
        return "TokenLayout[" + Arrays.toString(lengths) + " after " + Arrays.toString(parents) + " from "
                + Arrays.toString(firstPositions) + "]";
    }
}
