package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * UTF-8 text of any length, compressed with gzip if its name ends so. Line ends are read as Python's {@code open} reads
 * them: CR LF, and CR alone, are one line feed. A byte order mark at the beginning is no part of the text. So a file gives
 * the same tokens whatever system it was written on.
 */
record PlainTextFile(Path path, TextRows textRows) implements RowFile {
    /** What the names of such files end in. */
    static final List<String> ENDINGS = List.of("txt", "txt.gz", "raw", "utf8");

    /** Characters of a file that is held in memory as a whole. */
    private static final int MOST_IN_MEMORY = 1 << 26;

    private static final int BUFFER = 1 << 16;
    private static final char BYTE_ORDER_MARK = '\uFEFF';

    /** Takes the characters of a file piece by piece. */
    private interface Reader {
        /** Returns whether more is wanted. */
        boolean take(char[] characters, int length);
    }

    @Override
    public void read(RowSink sink) {
        if (textRows == TextRows.WHOLE) {
            if (sink.begin()) { // a library of books is counted without reading it
                read((characters, length) -> {
                    sink.text(characters, 0, length);
                    return !sink.isFull();
                });
                sink.end();
            }
            return;
        }
        TextRows kind = textRows == TextRows.PARAGRAPHS && !hasParagraphs() ? TextRows.LINES : textRows;
        split(kind, sink);
    }

    private boolean hasParagraphs() {
        RowSink.Counter two = new RowSink.Counter(2);
        split(TextRows.PARAGRAPHS, two);
        return two.isFull();
    }

    private void split(TextRows kind, RowSink sink) {
        RowSplitter splitter = RowSplitter.of(kind, path, sink);
        read((characters, length) -> {
            splitter.text(characters, 0, length);
            return !sink.isFull();
        });
        if (!sink.isFull()) {
            splitter.finish();
        }
    }

    /**
     * The whole text.
     *
     * @throws InvalidInputException if it is too large to be held in memory
     */
    String text() {
        StringBuilder text = new StringBuilder();
        read((characters, length) -> {
            if (text.length() + length > MOST_IN_MEMORY) {
                throw new InvalidInputException(path + " has more than " + MOST_IN_MEMORY
                        + " characters, which are too many for data that are held in memory: divide it.");
            }
            text.append(characters, 0, length);
            return true;
        });
        return text.toString();
    }

    private void read(Reader reader) {
        try (InputStream file = InputFile.stream(path);
                InputStream plain = path.toString().endsWith(".gz") ? new GZIPInputStream(file, BUFFER) : file) {
            read(plain, reader);
        } catch (IOException e) {
            throw new InvalidInputException(path + " cannot be read: " + IoReason.of(e), e);
        }
    }

    private void read(InputStream file, Reader reader) throws IOException {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT);
        byte[] bytes = new byte[BUFFER];
        CharBuffer decoded = CharBuffer.allocate(BUFFER);
        LineEnds lineEnds = new LineEnds();
        int held = 0; // bytes at the beginning of the buffer that begin a character
        boolean first = true;
        for (long before = 0;;) {
            int got = file.read(bytes, held, bytes.length - held);
            if (got < 0 && first) {
                throw new InvalidInputException(path + " is empty: text was expected.");
            }
            ByteBuffer encoded = ByteBuffer.wrap(bytes, 0, held + Math.max(got, 0));
            if (decoder.decode(encoded, decoded.clear(), got < 0).isError()) {
                throw new InvalidInputException(path + " is not UTF-8 text: byte " + (before + encoded.position())
                        + " cannot be decoded; convert the file to UTF-8.");
            }
            before += encoded.position();
            held = encoded.remaining();
            System.arraycopy(bytes, encoded.position(), bytes, 0, held);
            int length = lineEnds.unify(decoded.array(), decoded.position());
            if (got < 0 || (length > 0 && !reader.take(decoded.array(), length))) {
                return;
            }
            first = false;
        }
    }

    /** Makes one line feed of each line end, and leaves out the byte order mark. */
    private static final class LineEnds {
        private boolean anything;
        private boolean afterCarriageReturn;

        /** Changes the characters in place; returns how many they are then. */
        int unify(char[] text, int length) {
            int from = 0;
            if (!anything && length > 0) {
                anything = true;
                from = text[0] == BYTE_ORDER_MARK ? 1 : 0;
            }
            int to = 0;
            for (int i = from; i < length; i++) {
                char character = text[i];
                if (character != '\n' || !afterCarriageReturn) {
                    text[to++] = character == '\r' ? '\n' : character;
                }
                afterCarriageReturn = character == '\r';
            }
            return to;
        }
    }
}
