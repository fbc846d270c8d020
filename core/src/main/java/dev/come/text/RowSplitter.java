package dev.come.text;

import dev.come.InvalidInputException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * Cuts a text into rows while it is read. Lines end with a line feed. Nothing is held but blanks that may belong to the row
 * or to what lies between rows, which is known only at the next other character.
 */
abstract sealed class RowSplitter {
    /** Characters of blanks in one place. */
    private static final int MOST_BLANKS = 1 << 24;

    /** Blanks since the last other character. */
    final StringBuilder blanks = new StringBuilder();
    final RowSink sink;
    private boolean inRow;
    private boolean wanted;

    private final Path path;

    private RowSplitter(Path path, RowSink sink) {
        this.path = path;
        this.sink = sink;
    }

    /**
     * A splitter of a text into several rows; paragraphs are taken as such even if there is only one.
     *
     * @param path what messages call the text
     */
    static RowSplitter of(TextRows kind, Path path, RowSink sink) {
        return switch (kind) {
            case LINES -> new Lines(path, sink);
            case PARAGRAPHS -> new Paragraphs(path, sink);
            case WIKITEXT -> new Wikitext(path, sink);
            case WHOLE -> throw new IllegalArgumentException("a whole text is not cut into rows");
        };
    }

    /** Takes the next characters of the text. */
    final void text(char[] text, int from, int to) {
        int start = from;
        while (start < to && !sink.isFull()) {
            int end = start;
            while (end < to && text[end] != '\n') {
                end++;
            }
            if (end > start) {
                partOfLine(text, start, end);
            }
            if (end < to) {
                endOfLine();
            }
            start = end + 1;
        }
    }

    /** The text has ended. */
    abstract void finish();

    /** Takes characters without a line feed. */
    abstract void partOfLine(char[] text, int from, int to);

    abstract void endOfLine();

    /** The first character that is no blank, or {@code to}. */
    static int firstOther(char[] text, int from, int to) {
        int first = from;
        while (first < to && Character.isWhitespace(text[first])) {
            first++;
        }
        return first;
    }

    final void hold(char[] text, int from, int to) {
        if (blanks.length() + to - from > MOST_BLANKS) {
            throw new InvalidInputException(path + " has more than " + MOST_BLANKS
                    + " blanks and line ends in one place: leave them out.");
        }
        blanks.append(text, from, to - from);
    }

    final boolean inRow() {
        return inRow;
    }

    final void begin() {
        inRow = true;
        wanted = !sink.isFull() && sink.begin();
    }

    final void send(char[] text, int from, int to) {
        if (wanted && to > from) {
            sink.text(text, from, to - from);
        }
    }

    final void send(String text) {
        if (wanted) {
            sink.text(text);
        }
    }

    final void end() {
        if (wanted) {
            sink.end();
        }
        inRow = false;
        wanted = false;
    }

    private static sealed class Lines extends RowSplitter {
        Lines(Path path, RowSink sink) {
            super(path, sink);
        }

        @Override
        void partOfLine(char[] text, int from, int to) {
            int first = inRow() ? from : firstOther(text, from, to);
            if (!inRow()) {
                hold(text, from, first);
                if (first == to) {
                    return;
                }
                begin();
                send(blanks.toString());
                blanks.setLength(0);
            }
            send(text, first, to);
        }

        @Override
        void endOfLine() {
            blanks.setLength(0);
            if (inRow()) {
                end();
            }
        }

        @Override
        void finish() {
            if (inRow()) {
                end();
            }
        }
    }

    private static final class Wikitext extends Lines {
        Wikitext(Path path, RowSink sink) {
            super(path, sink);
        }

        @Override
        void endOfLine() {
            if (inRow()) {
                send("\n");
            } else {
                begin();
            }
            super.endOfLine();
        }

        @Override
        void finish() {
            if (!inRow() && blanks.length() > 0) {
                begin();
            }
            super.finish();
        }
    }

    private static final class Paragraphs extends RowSplitter {
        /** A line end and at least one blank line. */
        private static final Pattern BETWEEN = Pattern.compile("\\n(?:[ \\t]*\\n)+");
        private static final char[] LINE_FEED = {'\n'};

        Paragraphs(Path path, RowSink sink) {
            super(path, sink);
        }

        @Override
        void partOfLine(char[] text, int from, int to) {
            int first = firstOther(text, from, to);
            hold(text, from, first);
            if (first == to) {
                return;
            }
            int last = to;
            while (Character.isWhitespace(text[last - 1])) {
                last--;
            }
            passBlanks();
            send(text, first, last);
            hold(text, last, to);
        }

        /** Knows now what the blanks before this character are: part of a row, or between two. */
        private void passBlanks() {
            if (!inRow()) { // blanks in front of the text
                begin();
            } else if (blanks.length() > 0) {
                String[] parts = BETWEEN.split(blanks, -1);
                send(Objects.requireNonNull(parts[0]));
                for (int i = 1; i < parts.length; i++) {
                    end();
                    begin();
                    send(Objects.requireNonNull(parts[i]));
                }
            }
            blanks.setLength(0);
        }

        @Override
        void endOfLine() {
            hold(LINE_FEED, 0, 1);
        }

        @Override
        void finish() {
            if (inRow()) {
                end();
            }
        }
    }
}
