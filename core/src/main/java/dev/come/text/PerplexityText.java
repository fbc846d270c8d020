package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.model.Positions;
import dev.come.text.WindowLength.Settled;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * The text that perplexity is measured on: joined, encoded and cut into windows. Windows lie side by side, or move by
 * fewer tokens than they have; then they cover the same text, and only those tokens of a window are scored that are in none
 * before.
 *
 * <p>wiki2 is the whole test split, rows joined by two line feeds. c4 is the first 1100 documents of the validation split
 * joined by blanks, and of these the first 256 windows. A text file at a path is taken as it stands, rows of tables are
 * joined by two line feeds.
 *
 * @param windows the tokens; every window is full, but for the last one if they slide
 * @param facts where they come from; its numbers are those of windows side by side, and of the text that was read until
 *     there were enough
 * @param stride by how many tokens a window is further than the one before
 * @param beginningOnly whether less text may have been taken than the convention has
 */
public record PerplexityText(Sequences windows, TextFacts facts, int stride, boolean beginningOnly) {
    /** Windows side by side. */
    public PerplexityText(Sequences windows, TextFacts facts, boolean beginningOnly) {
        this(windows, facts, facts.length().tokens(), beginningOnly);
    }

    /** Which part of a corpus perplexity is measured on. */
    private record Section(Split split, int rows, int windows) {
        static Section of(TextSource source) {
            return NamedCorpus.of(source.dataset()).map(corpus -> switch (corpus) {
                case WIKI2 -> new Section(Split.TEST, Integer.MAX_VALUE, Integer.MAX_VALUE);
                case C4 -> new Section(Split.VALIDATION, 1100, 256);
                case PG19, BOOKCORPUS, ALPACA, MMLU ->
                    throw new UsageException("--ppl-data takes wiki2, c4 or a path, not "
                            + corpus + ".");
            }).orElse(new Section(Split.ALL, Integer.MAX_VALUE, Integer.MAX_VALUE));
        }

        /** If the right one is missing, any other will do; the one that layers may have been chosen on comes last. */
        List<Split> preference() {
            return Stream.of(split, Split.TEST, Split.VALIDATION, Split.ALL, Split.TRAIN).distinct().toList();
        }
    }

    /**
     * Reads and encodes the text.
     *
     * @param length of a window ({@code --seqlen})
     * @param stride by how many tokens a window is further than the one before ({@code --stride}), at most their length;
     *        absent: their length
     * @param windows the text of how many windows side by side at most, from its beginning ({@code --ppl-windows})
     * @param positions those of the model that will see the windows
     * @throws UsageException if perplexity is not measured on that corpus, a window is longer than the model's positions, or
     *         the windows overlap too much
     * @throws InvalidInputException if the corpus is missing or broken, or its text is shorter than one window
     */
    public static PerplexityText read(TextSource source, WindowLength length, OptionalInt stride, int windows,
            Tokenizer tokenizer, Positions positions) {
        Settled settled = length.within(positions);
        int sequenceLength = settled.tokens();
        int step = stride.orElse(sequenceLength);
        requireStride(step, sequenceLength);
        Section part = Section.of(source);
        Corpus corpus = Corpus.open(source, part.preference(), TextRows.WHOLE);
        int available = corpus.rowCount();
        TakenRows rows = new TakenRows(corpus, available, corpus.first(Math.min(part.rows(), available)),
                "measure on less with --ppl-windows", corpus.notes(part.split()));
        TakenRows.Tokens tokens = rows.joined(corpus.separator().orElseThrow(), tokenizer, settled,
                Math.min(part.windows(), windows),
                "lower --seqlen or give more text");
        Sequences sequences = step == sequenceLength
                ? tokens.sequences()
                : sliding(tokens.sequences(), sequenceLength, step);
        return new PerplexityText(sequences, tokens.facts(), step, windows < part.windows());
    }

    /**
     * Checks that windows leave nothing out.
     *
     * @throws UsageException if they would
     */
    public static void requireStride(int stride, int sequenceLength) {
        if (stride < 1 || stride > sequenceLength) {
            throw new UsageException("--stride is " + stride + ", but must be from 1 to --seqlen, which is "
                    + sequenceLength);
        }
    }

    private static Sequences sliding(Sequences sideBySide, int sequenceLength, int stride) {
        long tokens = (long) Math.ceilDiv(sideBySide.tokenCount(), stride) * sequenceLength;
        if (tokens > TokenIds.mostInMemory()) {
            throw new UsageException("--stride is " + stride + ", by which the windows would have " + tokens
                    + " tokens together; give a larger one, or less text with --ppl-windows");
        }
        return Sequences.slidingWindows(sideBySide.tokens(), sequenceLength, stride);
    }

    /** The first position of a window that is scored: nothing predicts the first token, and none is scored twice. */
    public int firstScored(int window) {
        return window == 0 ? 1 : Math.max(1, facts.length().tokens() - stride);
    }

    /** How many tokens of a window are scored. */
    public int scored(int window) {
        return windows.length(window) - firstScored(window);
    }

    /** The name of the number that is measured here: two numbers compare only if their names are equal. */
    public String metric() {
        return metric("perplexity");
    }

    /** The name of another number that is measured here for each token. */
    public String metric(String what) {
        boolean slides = stride < facts.length().tokens();
        String beginning = slides ? "first " + facts.tokensUsed() + " tokens, " : "first " + windows.count() + " ";
        return "%s (%s) %s per token, %swindows of %s%s, %s".formatted(facts.dataset(), facts.split(), what,
                beginningOnly ? beginning : "", facts.length().inWords(), slides ? " that move by " + stride : "",
                facts.specialTokenInFront() ? "one BOS token before the text" : "no BOS token");
    }
}
