package dev.come.text;

import dev.come.InvalidInputException;
import java.util.Arrays;
import java.util.Locale;

/** Collects the token ids of texts, one sequence for each. Only the beginning of a sequence may be wanted. */
final class TokenIds {
    private final String name;
    private final String advice;
    private final long mostOfSequence;
    private final boolean countsOn;
    private final long most;
    private int[] ids = new int[1 << 10];
    private int count;
    private int[] offsets = new int[16];
    private int sequences;
    private long total;

    /**
     * @param name what messages call the text
     * @param mostOfSequence how many ids of a sequence are kept
     * @param countsOn whether those that are not kept are wanted for their number
     * @param advice what a user can do if there are more than memory has room for
     */
    TokenIds(String name, long mostOfSequence, boolean countsOn, String advice) {
        this(name, mostOfSequence, countsOn, advice, mostInMemory());
    }

    TokenIds(String name, long mostOfSequence, boolean countsOn, String advice, long most) {
        this.name = name;
        this.mostOfSequence = mostOfSequence;
        this.countsOn = countsOn;
        this.advice = advice;
        this.most = most;
    }

    /**
     * The number of ids of one text, or of one calibration set, that fit in Java's memory. They may fill a quarter of
     * it, since they are copied once while they are collected and once where they are cut into windows.
     */
    static long mostInMemory() {
        return Math.min(Runtime.getRuntime().maxMemory() / (4 * Integer.BYTES), 1 << 30);
    }

    /** Takes the next ids of the sequence. */
    void add(int[] more) {
        total += more.length;
        int wanted = (int) Math.min(more.length, mostOfSequence - length());
        if (count + (long) wanted > most || total > Integer.MAX_VALUE) {
            throw new InvalidInputException(String.format(Locale.ROOT,
                    "The text of %s has more than %,d tokens, which is what Java's memory (%,d MB) has room for: %s, or give it more with COME_JAVA_OPTS=-Xmx8g.",
                    name, total > Integer.MAX_VALUE ? Integer.MAX_VALUE : most, Runtime.getRuntime().maxMemory() >> 20,
                    advice));
        }
        if (count + wanted > ids.length) {
            ids = Arrays.copyOf(ids, (int) Math.min(most, Math.max(count + (long) wanted, ids.length * 3L / 2)));
        }
        System.arraycopy(more, 0, ids, count, wanted);
        count += wanted;
    }

    /** The sequence is complete; the next begins. One without ids is none. */
    void endSequence() {
        if (length() > 0) {
            if (sequences + 2 > offsets.length) {
                offsets = Arrays.copyOf(offsets, 2 * offsets.length);
            }
            offsets[++sequences] = count;
        }
    }

    /** Whether no more ids of the sequence are wanted. */
    boolean isFull() {
        return !countsOn && length() >= mostOfSequence;
    }

    private int length() {
        return count - offsets[sequences];
    }

    /** The number of ids of all sequences, including those that were not kept. */
    int total() {
        return (int) total;
    }

    /** The ids of all complete sequences that are kept. */
    int[] allIds() {
        return Arrays.copyOf(ids, offsets[sequences]);
    }

    /** The complete sequences. */
    Sequences sequences() {
        return new Sequences(allIds(), Arrays.copyOf(offsets, sequences + 1));
    }

    /** Windows side by side of the first sequence, without a tail that does not fill one. */
    Sequences windows(int sequenceLength) {
        return Sequences.windows(Arrays.copyOf(ids, offsets[1] / sequenceLength * sequenceLength), sequenceLength);
    }
}
