package dev.come.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Opens files for reading. Every file that a user names, or that lies in a folder that he names, is opened here. What is no
 * regular file is refused: to open a pipe would wait for somebody who writes into it, and a device may never end.
 */
public final class InputFile {
    private InputFile() {
    }

    /**
     * Opens a file to be read from its beginning on.
     *
     * @throws IOException if it cannot be opened, or is a folder, a pipe or a device
     */
    public static InputStream stream(Path file) throws IOException {
        check(file);
        return Files.newInputStream(file);
    }

    /** The first bytes of a file as text, by which files of a kind are known; empty if it cannot be read. */
    public static String beginning(Path file, int bytes) {
        try (InputStream stream = stream(file)) {
            return new String(stream.readNBytes(bytes), StandardCharsets.UTF_8);
        } catch (IOException _) {
            return "";
        }
    }

    /**
     * Opens a file to be read at any place.
     *
     * @throws IOException if it cannot be opened, or is a folder, a pipe or a device
     */
    public static FileChannel channel(Path file) throws IOException {
        check(file);
        return FileChannel.open(file, StandardOpenOption.READ);
    }

    /**
     * Checks that a file can be read to its end.
     *
     * @throws IOException if it is not there, or is a folder, a pipe or a device; links are followed
     */
    public static void check(Path file) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        if (!attributes.isRegularFile()) {
            throw new FileSystemException(file.toString(), null,
                    "it is " + (attributes.isDirectory() ? "a folder" : "a pipe or a device") + ", not a file");
        }
    }
}
