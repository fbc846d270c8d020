package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.text.WindowLength.Settled;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows that were taken from a corpus, on their way to tokens.
 *
 * @param available how many rows the corpus has
 * @param texts the texts of those that were taken
 * @param notes what the user should know about the choice
 */
record TakenRows(Corpus corpus, int available, List<String> texts, List<String> notes) {
    /** Sequences and where they come from. */
    record Tokens(Sequences sequences, TextFacts facts) {}

    /**
     * Joins the rows to one text, encodes it at once and cuts it into windows; the tail is dropped.
     *
     * @param length of a window
     * @param windowLimit how many windows to take at most, from the beginning
     * @param advice what to change if the text is shorter than one window
     * @throws ShortTextException if it is
     */
    Tokens joined(String separator, Tokenizer tokenizer, Settled length, int windowLimit, String advice) {
        int sequenceLength = length.tokens();
        String text = String.join(separator, texts);
        int[] ids = tokenizer.encode(text);
        if (ids.length < sequenceLength) {
            throw new ShortTextException("The text of " + corpus.name() + " (" + texts.size() + " of " + available
                    + " rows) has " + ids.length + " tokens, but one window needs " + sequenceLength + ": " + advice
                    + ".");
        }
        Sequences all = Sequences.windows(ids, sequenceLength);
        Sequences windows = all.slice(0, Math.min(windowLimit, all.count()));
        String assembly = "rows joined by \"" + separator.replace("\n", "\\n") + "\" and cut into windows of "
                + length.inWords();
        return tokens(windows, characters(text), ids.length, assembly, length, tokenizer);
    }

    /**
     * Makes each row a sequence of its own.
     *
     * @param length of a sequence at most; what is longer is cut off at its end
     * @throws InvalidInputException if no row has two tokens, so that there is none to score
     */
    Tokens separate(Tokenizer tokenizer, Settled length) {
        List<int[]> encoded = texts.stream().map(tokenizer::encode).toList();
        Sequences sequences = Sequences
                .of(encoded.stream().map(ids -> Arrays.copyOf(ids, Math.min(ids.length, length.tokens()))).toList());
        if (IntStream.range(0, sequences.count()).allMatch(row -> sequences.length(row) < 2)) {
            throw new InvalidInputException("None of the " + texts.size() + " rows of " + corpus.name()
                    + " that were taken has two tokens or more, so there is no token that another predicts: give longer"
                    + " text, or raise --nsamples.");
        }
        return tokens(sequences, texts.stream().mapToLong(TakenRows::characters).sum(),
                encoded.stream().mapToInt(ids -> ids.length).sum(),
                "each row a sequence of at most " + length.inWords(), length, tokenizer);
    }

    private static long characters(String text) {
        return text.codePointCount(0, text.length());
    }

    private Tokens tokens(Sequences sequences, long characters, int tokens, String assembly, Settled length,
            Tokenizer tokenizer) {
        return new Tokens(sequences,
                new TextFacts(corpus.name(), corpus.split().toString(), corpus.sources(), available, texts.size(),
                        assembly,
                        characters, tokens, sequences.tokenCount(), sequences.count(), length.tokens(),
                        length.passed(), tokenizer.beginsWithSpecialToken(), sequences.fingerprint(), notes));
    }
}
