package dev.come.overlap;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Locale;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Looks for the runs of words of test texts in other texts, as is usual since GPT-3 (Brown et al. 2020, appendix C): words are
 * runs of letters and digits, large and small letters are the same, and everything between words counts as nothing. A run lies
 * within one text. Runs are known by hashes of 64 bits, so that two different ones are taken for the same with a probability of
 * next to nothing. Texts come one after the other, first all test texts.
 */
public final class Overlap {
    /** Words in a run, as is usual. */
    public static final int WORDS = 13;

    private static final long FACTOR = 0x9E3779B97F4A7C15L;

    private final int words;
    private final long leaving;
    /** The runs of the test texts as they come, and where those of a text end. */
    private long[] runs = new long[1 << 10];
    private int count;
    private int[] ends = new int[16];
    private int texts;
    /** The different runs in order, as soon as other texts come. */
    private long @Nullable [] sorted;
    private final BitSet found = new BitSet();
    private int touching;

    /**
     * What was found.
     *
     * @param words in a run
     * @param runs different ones in the test texts
     * @param found those of them that the other texts have too
     * @param testTexts test texts that have a run at all
     * @param touched those of them with a run that was found
     * @param touching other texts that have one
     */
    public record Found(int words, int runs, int found, int testTexts, int touched, int touching) {
        /** One sentence. */
        public String inWords(String trained, String test) {
            return String.format(Locale.ROOT,
                    "%s has %,d of the %,d runs of %d words of %s (%.2f %%), which lie in %,d of its %,d texts",
                    trained, found, runs, words, test, runs == 0 ? 0 : 100.0 * found / runs, touched, testTexts);
        }
    }

    /** Looks for runs of so many words. */
    public Overlap(int words) {
        if (words < 1) {
            throw new IllegalArgumentException("a run has at least one word");
        }
        this.words = words;
        long power = 1;
        for (int i = 0; i < words; i++) {
            power *= FACTOR;
        }
        this.leaving = power;
    }

    /** A test text. */
    public void test(String text) {
        if (sorted != null) {
            throw new IllegalStateException("test texts come first");
        }
        int before = count;
        runs(text, run -> {
            if (count == runs.length) {
                runs = Arrays.copyOf(runs, 2 * count);
            }
            runs[count++] = run;
        });
        if (count > before) {
            if (texts == ends.length) {
                ends = Arrays.copyOf(ends, 2 * texts);
            }
            ends[texts++] = count;
        }
    }

    /** Another text, such as one that a model is trained on. */
    public void other(String text) {
        long[] all = sorted();
        boolean[] touches = {false};
        runs(text, run -> {
            int at = Arrays.binarySearch(all, run);
            if (at >= 0) {
                found.set(at);
                touches[0] = true;
            }
        });
        touching += touches[0] ? 1 : 0;
    }

    private long[] sorted() {
        if (sorted == null) {
            sorted = Arrays.stream(runs, 0, count).sorted().distinct().toArray();
        }
        return sorted;
    }

    /** What was found up to now. */
    public Found found() {
        long[] all = sorted();
        int touched = 0;
        int from = 0;
        for (int text = 0; text < texts; text++) {
            boolean has = Arrays.stream(runs, from, ends[text])
                    .anyMatch(run -> found.get(Arrays.binarySearch(all, run)));
            touched += has ? 1 : 0;
            from = ends[text];
        }
        return new Found(words, all.length, found.cardinality(), texts, touched, touching);
    }

    /** The hash of a run is that of its words in order; the next run takes one word in and lets the first one go. */
    private void runs(String text, LongConsumer sink) {
        long[] last = new long[words];
        long run = 0;
        int read = 0;
        long word = 0;
        for (int i = 0; i <= text.length(); i++) {
            char character = i < text.length() ? text.charAt(i) : ' ';
            if (Character.isLetterOrDigit(character) || Character.isSurrogate(character)) {
                word = (word + Character.toLowerCase(character) + 1) * FACTOR;
                word ^= word >>> 29;
            } else if (word != 0) {
                int place = read % words;
                run = run * FACTOR + word - last[place] * leaving;
                last[place] = word;
                word = 0;
                if (++read >= words) {
                    sink.accept(run);
                }
            }
        }
    }
}
