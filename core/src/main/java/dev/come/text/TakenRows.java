package dev.come.text;

import java.util.Arrays;
import java.util.List;

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
     * @param sequenceLength tokens in a window
     * @param windowLimit how many windows to take at most, from the beginning
     * @param advice what to change if the text is shorter than one window
     * @throws ShortTextException if it is
     */
    Tokens joined(String separator, Tokenizer tokenizer, int sequenceLength, int windowLimit, String advice) {
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
                + sequenceLength + " tokens";
        return tokens(windows, characters(text), ids.length, assembly, sequenceLength, tokenizer);
    }

    /**
     * Makes each row a sequence of its own.
     *
     * @param sequenceLength tokens in a sequence at most; what is longer is cut off at its end
     */
    Tokens separate(Tokenizer tokenizer, int sequenceLength) {
        List<int[]> encoded = texts.stream().map(tokenizer::encode).toList();
        Sequences sequences = Sequences
                .of(encoded.stream().map(ids -> Arrays.copyOf(ids, Math.min(ids.length, sequenceLength))).toList());
        return tokens(sequences, texts.stream().mapToLong(TakenRows::characters).sum(),
                encoded.stream().mapToInt(ids -> ids.length).sum(),
                "each row a sequence of at most " + sequenceLength + " tokens", sequenceLength, tokenizer);
    }

    private static long characters(String text) {
        return text.codePointCount(0, text.length());
    }

    private Tokens tokens(Sequences sequences, long characters, int tokens, String assembly, int sequenceLength,
            Tokenizer tokenizer) {
        return new Tokens(sequences,
                new TextFacts(corpus.name(), corpus.split().toString(), corpus.sources(), available, texts.size(),
                        assembly,
                        characters, tokens, sequences.tokenCount(), sequences.count(), sequenceLength,
                        tokenizer.beginsWithSpecialToken(), sequences.fingerprint(), notes));
    }
}
