package dev.come.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Token ids of many sequences laid end to end. This is the form of tokens everywhere in the project: sequences may
 * differ in length and nothing is ever padded, so nothing has to be masked.
 *
 * <p>The arrays are not copied, because they hold millions of ids: whoever hands them over, or reads them, leaves them
 * as they are.
 *
 * @param tokens the ids of all sequences (tokens); none is negative
 * @param offsets where each sequence begins in {@code tokens}, and last where the last one ends (count + 1); no sequence
 *     is empty
 */
@SuppressWarnings("ArrayRecordComponent") // equality is by content, see below
public record Sequences(int[] tokens, int[] offsets) {
    /** @throws IllegalArgumentException if the offsets do not cover the tokens, a sequence is empty or an id is negative */
    public Sequences {
        if (offsets.length == 0 || offsets[0] != 0 || offsets[offsets.length - 1] != tokens.length) {
            throw new IllegalArgumentException("offsets must run from 0 to the number of tokens, " + tokens.length);
        }
        for (int i = 1; i < offsets.length; i++) {
            if (offsets[i] <= offsets[i - 1]) {
                throw new IllegalArgumentException("sequence " + (i - 1) + " is empty");
            }
        }
        for (int id : tokens) {
            if (id < 0) {
                throw new IllegalArgumentException("token id " + id + " is negative");
            }
        }
    }

    /** Lays the given sequences end to end. */
    public static Sequences of(List<int[]> sequences) {
        int[] offsets = new int[sequences.size() + 1];
        for (int i = 0; i < sequences.size(); i++) {
            offsets[i + 1] = Math.addExact(offsets[i], sequences.get(i).length);
        }
        int[] tokens = new int[offsets[sequences.size()]];
        for (int i = 0; i < sequences.size(); i++) {
            System.arraycopy(sequences.get(i), 0, tokens, offsets[i], sequences.get(i).length);
        }
        return new Sequences(tokens, offsets);
    }

    /**
     * Cuts one long text into windows of equal length, side by side, and drops the tail that does not fill a window.
     *
     * @param ids the text (tokens)
     * @param sequenceLength tokens in a window
     * @return floor(tokens / sequenceLength) sequences, possibly none
     */
    public static Sequences windows(int[] ids, int sequenceLength) {
        int count = ids.length / sequenceLength;
        int[] offsets = IntStream.rangeClosed(0, count).map(i -> i * sequenceLength).toArray();
        return new Sequences(ids.length == count * sequenceLength ? ids : Arrays.copyOf(ids, count * sequenceLength),
                offsets);
    }

    /**
     * Cuts one long text into windows that move by less than their length. The last one ends with the text, and may be
     * shorter.
     *
     * @param ids the text (tokens), at least one window
     * @param sequenceLength tokens in a window
     * @param stride by how many tokens a window is further than the one before
     */
    public static Sequences slidingWindows(int[] ids, int sequenceLength, int stride) {
        int count = 1 + Math.ceilDiv(ids.length - sequenceLength, stride);
        return of(IntStream.range(0, count).mapToObj(i -> Arrays.copyOfRange(ids, i * stride,
                Math.min(i * stride + sequenceLength, ids.length))).toList());
    }

    /** The number of sequences. */
    public int count() {
        return offsets.length - 1;
    }

    /** The number of tokens in sequence {@code index}. */
    public int length(int index) {
        return offsets[index + 1] - offsets[index];
    }

    /** The number of tokens in all sequences. */
    public int tokenCount() {
        return tokens.length;
    }

    /** A copy of sequence {@code index} (tokens of that sequence). */
    public int[] sequence(int index) {
        return Arrays.copyOfRange(tokens, offsets[index], offsets[index + 1]);
    }

    /** The sequences {@code from} up to, not including, {@code to}. */
    public Sequences slice(int from, int to) {
        int[] shifted = IntStream.rangeClosed(from, to).map(i -> offsets[i] - offsets[from]).toArray();
        return new Sequences(Arrays.copyOfRange(tokens, offsets[from], offsets[to]), shifted);
    }

    /**
     * Some of the sequences, spread evenly, the first one among them.
     *
     * @param wanted how many, at most as many as there are
     */
    public Sequences spread(int wanted) {
        return wanted == count()
                ? this
                : of(IntStream.range(0, wanted).mapToObj(i -> sequence((int) ((long) i * count() / wanted))).toList());
    }

    /**
     * The SHA-256, in hexadecimal digits, of the ids and then the offsets, each as a little-endian 32-bit integer. Two sets
     * with the same fingerprint give the same measurements.
     */
    public String fingerprint() {
        MessageDigest digest = sha256();
        update(digest, tokens);
        update(digest, offsets);
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void update(MessageDigest digest, int[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        int step = bytes.capacity() / Integer.BYTES;
        for (int from = 0; from < values.length; from += step) {
            int length = Math.min(step, values.length - from);
            bytes.clear().asIntBuffer().put(values, from, length);
            digest.update(bytes.limit(length * Integer.BYTES));
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Sequences that && Arrays.equals(tokens, that.tokens)
                && Arrays.equals(offsets, that.offsets);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(tokens) + Arrays.hashCode(offsets);
    }

    @Override
    public String toString() {
        return "Sequences[" + count() + " sequences, " + tokenCount() + " tokens]";
    }
}
