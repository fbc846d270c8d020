package dev.come.text;

import dev.come.InvalidInputException;
import java.util.List;
import java.util.function.Consumer;

/** The texts of a source one by one, each in memory as a whole: the rows of a file, the documents of a corpus. */
public final class SourceTexts {
    /** Characters of one text; what follows counts as another. */
    private static final int LONGEST = 1 << 22;

    private SourceTexts() {
    }

    /**
     * Sends those that a model may be trained on.
     *
     * @throws InvalidInputException if the source is missing or broken
     */
    public static void toTrainOn(TextSource source, Consumer<String> sink) {
        send(source, List.of(Split.TRAIN, Split.VALIDATION, Split.ALL), sink);
    }

    /**
     * Sends those that perplexity is measured on.
     *
     * @throws InvalidInputException if the source is missing or broken
     */
    public static void toTestOn(TextSource source, Consumer<String> sink) {
        send(source, List.of(Split.TEST, Split.VALIDATION, Split.ALL, Split.TRAIN), sink);
    }

    private static void send(TextSource source, List<Split> preference, Consumer<String> sink) {
        Corpus corpus = Corpus.open(source, preference, TextRows.PARAGRAPHS);
        corpus.first(corpus.rowCount()).send(new Whole(sink));
    }

    /** Puts the pieces of a row together. */
    private static final class Whole implements RowSink {
        private final Consumer<String> sink;
        private final StringBuilder text = new StringBuilder();

        Whole(Consumer<String> sink) {
            this.sink = sink;
        }

        @Override
        public boolean begin() {
            return true;
        }

        @Override
        public void text(char[] characters, int from, int length) {
            text.append(characters, from, length);
            if (text.length() >= LONGEST) {
                end();
            }
        }

        @Override
        public void end() {
            sink.accept(text.toString());
            text.setLength(0);
        }
    }
}
