package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.model.Positions;
import dev.come.text.WindowLength.Settled;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The tokens that layers are measured on.
 *
 * <p>Rows are sampled as the authors' command does: the rows of the train split are put in the order of the permutation
 * that NumPy draws for the seed, and the first ones are taken. Those of running text are joined, encoded at once and cut
 * into windows; instructions and questions are sequences of their own, and they are not padded. Questions are spread
 * evenly over the subjects.
 *
 * @param sequences the tokens
 * @param facts where they come from
 */
public record CalibrationSet(Sequences sequences, TextFacts facts) {
    /** The seed where the user gives none; the authors' default. */
    public static final long DEFAULT_SEED = 10;

    /** Where calibration tokens come from. */
    public sealed interface Source permits Sentences, Budget, Options, Mixture {
        /**
         * Takes the tokens.
         *
         * @param positions those of the model that will see them
         * @throws UsageException if an option does not go with the corpus or the model
         * @throws InvalidInputException if the corpus is missing or broken, or its text is shorter than one window
         */
        CalibrationSet take(Tokenizer tokenizer, Positions positions);

        /** What is read on this machine. */
        Stream<Path> paths();

        /** The seed that decided which rows are taken, where some are. */
        default OptionalLong sampledBy() {
            return OptionalLong.empty();
        }
    }

    /**
     * A file of sentences, one on each line, each a sequence of its own ({@code --sentences}).
     *
     * @param length tokens at most; what is longer is cut off at its end
     */
    public record Sentences(Path file, WindowLength length) implements Source {
        @Override
        public Stream<Path> paths() {
            return Stream.of(file);
        }

        @Override
        public CalibrationSet take(Tokenizer tokenizer, Positions positions) {
            Settled settled = length.within(positions);
            Corpus corpus = Corpus.open(new TextSource(file.toString(), file, TextSource.DEFAULT_FIELD), SPLITS,
                    TextRows.LINES);
            int available = corpus.rowCount();
            TakenRows rows = new TakenRows(corpus, available, corpus.first(available), "give fewer sentences",
                    List.of());
            TakenRows.Tokens tokens = rows.separate(tokenizer, settled);
            return new CalibrationSet(tokens.sequences(), tokens.facts());
        }
    }

    /**
     * Rows that give the wanted number of tokens ({@code --calibration-tokens}). The rows are those that {@link Options} would take
     * first; of rows that have many more tokens, such as books, windows are taken that are spread evenly over them.
     *
     * @param tokens how many tokens are wanted: there may be less, and more by what the last sequence has too many
     */
    public record Budget(TextSource source, long tokens, long seed, WindowLength length) implements Source {
        private static final int FIRST_ROWS = 256;

        /** @throws UsageException if a number is out of range */
        public Budget {
            requireSeed(seed);
            if (tokens < 1) {
                throw new UsageException("--calibration-tokens must be at least 1, but is " + tokens + ".");
            }
        }

        @Override
        public Stream<Path> paths() {
            return source.paths();
        }

        @Override
        public OptionalLong sampledBy() {
            return OptionalLong.of(seed);
        }

        @Override
        public CalibrationSet take(Tokenizer tokenizer, Positions positions) {
            Settled settled = length.within(positions);
            Corpus corpus = Corpus.open(source, SPLITS, TextRows.PARAGRAPHS);
            int available = corpus.rowCount();
            int rows = Math.min(FIRST_ROWS, available);
            while (true) {
                double more = 2;
                try (TextSpool spool = new TextSpool()) {
                    CalibrationSet set = encoded(shuffled(corpus, available, rows, seed, spool), tokenizer, settled,
                            "lower --seqlen or give more text");
                    if (set.facts().tokensUsed() >= tokens || rows == available) {
                        return enough(set);
                    }
                    // A tenth more than the rows so far promise, so that the second try mostly is the last.
                    more = Math.max(more, 1.1 * tokens / set.facts().tokensUsed());
                } catch (ShortTextException e) {
                    if (rows == available) {
                        throw e;
                    }
                }
                rows = (int) Math.min(available, Math.ceil(rows * more));
            }
        }

        private CalibrationSet enough(CalibrationSet set) {
            int all = set.sequences.count();
            int count = (int) Math.min(all, Math.ceilDiv(tokens * all, set.sequences.tokenCount()));
            Sequences taken = set.sequences.spread(count);
            while (taken.tokenCount() < tokens && count < all) { // where sequences differ in length
                taken = set.sequences.spread(++count);
            }
            return new CalibrationSet(taken, set.facts.with(taken));
        }
    }

    /**
     * What is sampled.
     *
     * @param source the corpus ({@code --calibration-dataset})
     * @param samples how many rows to take ({@code --nsamples})
     * @param tasks of mmlu, how many subjects to take; absent: all ({@code --num-tasks})
     * @param seed decides which rows ({@code --seed})
     * @param length of a window, or at most of a row ({@code --seqlen})
     */
    public record Options(TextSource source, int samples, OptionalInt tasks, long seed, WindowLength length)
            implements
                Source {
        /** @throws UsageException if a number is out of range */
        public Options {
            requirePositive("--nsamples", samples);
            tasks.ifPresent(count -> requirePositive("--num-tasks", count));
            requireSeed(seed);
            if (tasks.isPresent() && !isMmlu(source)) {
                throw new UsageException("--num-tasks is for the calibration dataset mmlu, not for " + source.dataset()
                        + ": leave it out.");
            }
        }

        @Override
        public Stream<Path> paths() {
            return source.paths();
        }

        @Override
        public OptionalLong sampledBy() {
            return OptionalLong.of(seed);
        }

        @Override
        public CalibrationSet take(Tokenizer tokenizer, Positions positions) {
            Settled settled = length.within(positions);
            Corpus corpus = Corpus.open(source, SPLITS, TextRows.PARAGRAPHS);
            try (TextSpool spool = new TextSpool()) {
                TakenRows rows = isMmlu(source)
                        ? spreadOverSubjects(corpus, this, spool)
                        : shuffled(corpus, corpus.rowCount(), samples, seed, spool);
                return encoded(rows, tokenizer, settled, rows.texts().count() < rows.available()
                        ? "raise --nsamples or lower --seqlen"
                        : "lower --seqlen or give more text");
            }
        }

        private static void requirePositive(String option, int value) {
            if (value <= 0) {
                throw new UsageException(option + " must be at least 1, but is " + value + ".");
            }
        }
    }

    private static void requireSeed(long seed) {
        if (seed < 0) {
            throw new UsageException("--seed must not be negative to sample rows, but is " + seed + ".");
        }
    }

    private static final String FEWER_SAMPLES = "lower --nsamples";

    /** The test split is never measured on. */
    private static final List<Split> SPLITS = List.of(Split.TRAIN, Split.VALIDATION, Split.ALL);

    private static CalibrationSet encoded(TakenRows rows, Tokenizer tokenizer, Settled length, String advice) {
        TakenRows.Tokens tokens = rows.corpus().separator()
                .map(separator -> rows.joined(separator, tokenizer, length, Integer.MAX_VALUE, advice))
                .orElseGet(() -> rows.separate(tokenizer, length));
        return new CalibrationSet(tokens.sequences(), tokens.facts());
    }

    private static boolean isMmlu(TextSource source) {
        return source.dataset().equals(NamedCorpus.MMLU.toString());
    }

    private static TakenRows shuffled(Corpus corpus, int available, int samples, long seed, TextSpool spool) {
        int taken = Math.min(samples, available);
        int[] order = Arrays.copyOf(new Pcg64(seed).permutation(available), taken);
        return new TakenRows(corpus, available, corpus.rows(order, spool), FEWER_SAMPLES,
                notes(corpus, samples, taken));
    }

    /**
     * Takes rows spread over the subjects of a data set. The subjects are shuffled, the first ones get an equal number
     * of rows each, and what does not divide evenly goes to some of them by lot. Within a subject the rows are shuffled
     * like those of any corpus.
     */
    private static TakenRows spreadOverSubjects(Corpus corpus, Options options, TextSpool spool) {
        List<RowFile> subjects = new ArrayList<>(corpus.files());
        int tasks = options.tasks().orElse(subjects.size());
        if (tasks > subjects.size()) {
            throw new UsageException("--num-tasks is " + tasks + ", but mmlu has only " + subjects.size()
                    + " subjects here: lower it.");
        }
        PythonRandom random = new PythonRandom(options.seed());
        random.shuffle(subjects);
        List<Integer> shares = new ArrayList<>(IntStream.range(0, tasks)
                .mapToObj(i -> options.samples() / tasks + (i < options.samples() % tasks ? 1 : 0)).toList());
        random.shuffle(shares);

        int available = 0;
        List<RowTexts> texts = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            Corpus subject = corpus.only(List.of(subjects.get(i)));
            TakenRows rows = shuffled(subject, subject.rowCount(), shares.get(i), options.seed(), spool);
            available += rows.available();
            texts.add(rows.texts());
        }
        Corpus taken = corpus.only(List.copyOf(subjects.subList(0, tasks)));
        RowTexts all = RowTexts.of(texts);
        return new TakenRows(taken, available, all, FEWER_SAMPLES, notes(taken, options.samples(), all.count()));
    }

    private static List<String> notes(Corpus corpus, int samples, int taken) {
        List<String> notes = new ArrayList<>(corpus.notes(Split.TRAIN));
        if (taken < samples) {
            notes.add("--nsamples asks for " + samples + " rows, but " + corpus.name() + " gave only " + taken + ".");
        }
        return notes;
    }
}
