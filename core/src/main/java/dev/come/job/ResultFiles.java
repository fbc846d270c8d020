package dev.come.job;

import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.TensorFile;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/**
 * The files of a result, which are written one after the other. By their hashes a run that was killed between them recognises
 * those that it has written.
 */
final class ResultFiles {
    private final SequencedMap<Path, AtomicFile.Text> files = new LinkedHashMap<>();

    /** Adds a file; the one that says that all is there comes last. */
    void add(Path file, AtomicFile.Text text) {
        files.put(file, text);
    }

    /** The SHA-256 of what each file will hold, by its path. */
    Map<String, String> hashes() {
        Map<String, String> hashes = new LinkedHashMap<>();
        files.forEach((file, text) -> hashes.put(key(file), hash(text)));
        return hashes;
    }

    /** Writes them. */
    void write() {
        files.forEach(AtomicFile::writeText);
    }

    /**
     * Whether a file holds what was to be written there.
     *
     * @param hashes as {@link #hashes} gave them
     */
    static boolean isOneOf(Map<String, String> hashes, Path file) {
        String expected = hashes.get(key(file));
        if (expected == null) {
            return false;
        }
        MessageDigest digest = TensorFile.sha256();
        try (InputStream bytes = InputFile.stream(file);
                OutputStream into = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
            bytes.transferTo(into);
        } catch (IOException _) {
            return false;
        }
        return HexFormat.of().formatHex(digest.digest()).equals(expected);
    }

    private static String hash(AtomicFile.Text text) {
        MessageDigest digest = TensorFile.sha256();
        try (Writer writer = new BufferedWriter(new OutputStreamWriter(
                new DigestOutputStream(OutputStream.nullOutputStream(), digest), StandardCharsets.UTF_8))) {
            text.write(writer);
        } catch (IOException e) {
            throw new UncheckedIOException("nothing is written", e);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static String key(Path file) {
        return file.toAbsolutePath().normalize().toString();
    }
}
