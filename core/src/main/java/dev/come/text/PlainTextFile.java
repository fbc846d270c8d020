package dev.come.text;

import dev.come.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.IntPredicate;
import java.util.zip.GZIPInputStream;

/** UTF-8 text, compressed with gzip if its name ends so. */
record PlainTextFile(Path path, TextRows textRows) implements RowFile {
    /** What the names of such files end in. */
    static final List<String> ENDINGS = List.of("txt", "txt.gz", "raw", "utf8");

    @Override
    public int scan(IntPredicate wanted, BiConsumer<Integer, String> found) {
        if (textRows == TextRows.WHOLE && !wanted.test(0)) {
            return 1; // a library of books is counted without reading it
        }
        List<String> rows = textRows.of(read());
        for (int i = 0; i < rows.size(); i++) {
            if (wanted.test(i)) {
                found.accept(i, rows.get(i));
            }
        }
        return rows.size();
    }

    String read() {
        byte[] bytes;
        try (InputStream file = Files.newInputStream(path);
                InputStream plain = path.toString().endsWith(".gz") ? new GZIPInputStream(file) : file) {
            bytes = plain.readAllBytes();
        } catch (IOException e) {
            throw new InvalidInputException(path + " cannot be read: " + e.getMessage(), e);
        }
        if (bytes.length == 0) {
            throw new InvalidInputException(path + " is empty: text was expected.");
        }
        ByteBuffer encoded = ByteBuffer.wrap(bytes);
        CharBuffer decoded = CharBuffer.allocate(bytes.length);
        boolean wrong = StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                .decode(encoded, decoded, true).isError();
        if (wrong) {
            throw new InvalidInputException(path + " is not UTF-8 text: byte " + encoded.position()
                    + " cannot be decoded; convert the file to UTF-8.");
        }
        return decoded.flip().toString();
    }
}
