package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The text that perplexity is measured on: joined, encoded at once and cut into windows that do not overlap.
 *
 * <p>wiki2 is the whole test split, rows joined by two line feeds. c4 is the first 1100 documents of the validation split
 * joined by blanks, and of these the first 256 windows. A text file at a path is taken as it stands, rows of tables are
 * joined by two line feeds.
 *
 * @param windows the tokens; every window is full
 * @param facts where they come from
 * @param beginningOnly whether fewer windows may have been taken than the convention has
 */
public record PerplexityText(Sequences windows, TextFacts facts, boolean beginningOnly) {
    /** Which part of a corpus perplexity is measured on. */
    private record Part(Split split, int rows, int windows) {
        static Part of(TextSource source) {
            return NamedCorpus.of(source.dataset()).map(corpus -> switch (corpus) {
                case WIKI2 -> new Part(Split.TEST, Integer.MAX_VALUE, Integer.MAX_VALUE);
                case C4 -> new Part(Split.VALIDATION, 1100, 256);
                case PG19, BOOKCORPUS, ALPACA, MMLU ->
                    throw new UsageException("--ppl-data takes wiki2, c4 or a path, not "
                            + corpus + ".");
            }).orElse(new Part(Split.ALL, Integer.MAX_VALUE, Integer.MAX_VALUE));
        }

        /** If the right one is missing, any other will do; the one that layers may have been chosen on comes last. */
        List<Split> preference() {
            return Stream.of(split, Split.TEST, Split.VALIDATION, Split.ALL, Split.TRAIN).distinct().toList();
        }
    }

    /**
     * Reads and encodes the text.
     *
     * @param sequenceLength tokens in a window ({@code --seqlen})
     * @param windows how many windows at most, the first of the text ({@code --ppl-windows})
     * @throws UsageException if perplexity is not measured on that corpus, or the length is below 2
     * @throws InvalidInputException if the corpus is missing or broken, or its text is shorter than one window
     */
    public static PerplexityText read(TextSource source, int sequenceLength, int windows, Tokenizer tokenizer) {
        if (sequenceLength < 2) {
            throw new UsageException("--seqlen must be at least 2 to measure perplexity, but is " + sequenceLength
                    + ": the first token of a window is predicted by nothing.");
        }
        Part part = Part.of(source);
        Corpus corpus = Corpus.open(source, part.preference(), TextRows.WHOLE);
        int available = corpus.rowCount();
        int[] first = IntStream.range(0, Math.min(part.rows(), available)).toArray();
        TakenRows rows = new TakenRows(corpus, available, corpus.rows(first), corpus.notes(part.split()));
        TakenRows.Tokens tokens = rows.joined(corpus.separator().orElseThrow(), tokenizer, sequenceLength,
                Math.min(part.windows(), windows),
                "lower --seqlen or give more text");
        return new PerplexityText(tokens.sequences(), tokens.facts(), windows < part.windows());
    }

    /** The name of the number that is measured here: two numbers compare only if their names are equal. */
    public String metric() {
        return "%s (%s) perplexity per token, %swindows of %d tokens, %s".formatted(facts.dataset(), facts.split(),
                beginningOnly ? "first " + windows.count() + " " : "", facts.sequenceLength(),
                facts.specialTokenInFront() ? "one BOS token before the text" : "no BOS token");
    }
}
