package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.text.WindowLength.Settled;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows that were taken from a corpus, on their way to tokens.
 *
 * @param available how many rows the corpus has
 * @param texts the texts of those that were taken
 * @param adviceForMuch what to change if their tokens do not fit in memory
 * @param notes what the user should know about the choice
 */
record TakenRows(Corpus corpus, int available, RowTexts texts, String adviceForMuch, List<String> notes) {
    /** Sequences and where they come from. */
    record Tokens(Sequences sequences, TextFacts facts) {}

    /**
     * Joins the rows to one text, encodes it and cuts it into windows; the tail is dropped. Rows are read until there are
     * enough windows.
     *
     * @param settled the length of a window
     * @param windowLimit how many windows to take at most, from the beginning
     * @param advice what to change if the text is shorter than one window
     * @throws ShortTextException if it is
     */
    Tokens joined(String separator, Tokenizer tokenizer, Settled settled, int windowLimit, String advice) {
        int sequenceLength = settled.tokens();
        long most = windowLimit == Integer.MAX_VALUE ? Long.MAX_VALUE : (long) windowLimit * sequenceLength;
        TokenIds ids = new TokenIds(corpus.name(), most, false, adviceForMuch);
        TextEncoder encoder = new TextEncoder(tokenizer, true, ids);
        Joined joined = new Joined(separator, encoder, ids);
        texts.send(joined);
        encoder.finish();
        if (ids.total() < sequenceLength) {
            throw new ShortTextException("The text of " + corpus.name() + " (" + texts.count() + " of " + available
                    + " rows) has " + ids.total() + " tokens, but one window needs " + sequenceLength + ": " + advice
                    + ".");
        }
        String assembly = "rows joined by \"" + separator.replace("\n", "\\n") + "\" and cut into windows of "
                + settled.inWords();
        return tokens(ids.windows(sequenceLength), encoder, ids, joined.rows, assembly, settled, tokenizer);
    }

    /** Appends rows to one text. */
    private static final class Joined implements RowSink {
        private final String separator;
        private final TextEncoder encoder;
        private final TokenIds ids;
        private int rows;

        Joined(String separator, TextEncoder encoder, TokenIds ids) {
            this.separator = separator;
            this.encoder = encoder;
            this.ids = ids;
        }

        @Override
        public boolean begin() {
            if (rows++ > 0) {
                encoder.append(separator);
            }
            return true;
        }

        @Override
        public void text(char[] characters, int from, int length) {
            encoder.append(characters, from, length);
        }

        @Override
        public void end() {
            // the separator comes with the next row
        }

        @Override
        public boolean isFull() {
            return ids.isFull();
        }
    }

    /**
     * Makes each row a sequence of its own; a row that gives no token is none.
     *
     * @param settled the length of a sequence at most; what is longer is cut off at its end
     * @throws InvalidInputException if no row has two tokens, so that there is none to score
     */
    Tokens separate(Tokenizer tokenizer, Settled settled) {
        TokenIds ids = new TokenIds(corpus.name(), settled.tokens(), true, adviceForMuch);
        TextEncoder encoder = new TextEncoder(tokenizer, true, ids);
        texts.send(new RowSink() {
            @Override
            public boolean begin() {
                return true;
            }

            @Override
            public void text(char[] characters, int from, int length) {
                encoder.append(characters, from, length);
            }

            @Override
            public void end() {
                encoder.finish();
            }
        });
        Sequences sequences = ids.sequences();
        if (IntStream.range(0, sequences.count()).allMatch(row -> sequences.length(row) < 2)) {
            throw new InvalidInputException("None of the " + texts.count() + " rows of " + corpus.name()
                    + " that were taken has two tokens or more, so there is no token that another predicts: give longer"
                    + " text, or raise --nsamples.");
        }
        return tokens(sequences, encoder, ids, texts.count(), "each row a sequence of at most " + settled.inWords(),
                settled, tokenizer);
    }

    private Tokens tokens(Sequences sequences, TextEncoder encoder, TokenIds ids, int rows, String assembly,
            Settled settled, Tokenizer tokenizer) {
        return new Tokens(sequences,
                new TextFacts(corpus.name(), corpus.split().toString(), corpus.sources(), available, rows, assembly,
                        encoder.characters(), ids.total(), sequences.tokenCount(), sequences.count(), settled.tokens(),
                        settled.passed(), tokenizer.beginsWithSpecialToken(), sequences.fingerprint(), notes));
    }
}
