package dev.come.checkpoint;

import dev.come.FailedException;
import dev.come.failure.Unfinished;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Writes a single file all at once. Whoever looks sees the file as it was or as it is now, also after the process or
 * the machine has died.
 *
 * <p>The content goes into a new file {@code .come-file-RANDOM.tmp} first, which never was anybody's, and is brought to the
 * disk before it gets the name. Permissions are those of any new file, as the umask leaves them. Whatever goes wrong, the new
 * file is removed; only a process that is killed leaves one behind, and the next one that writes there removes that.
 */
public final class AtomicFile {
    /** How the names of files begin that have no name of their own yet. */
    static final String PREFIX = ".come-file-";
    static final String SUFFIX = ".tmp";

    private static final FileAttribute<?>[] ANY_MODE = {};

    private AtomicFile() {
    }

    /** Writes the text of a file. */
    public interface Text {
        void write(Writer out) throws IOException;
    }

    /** Writes the bytes of a file. */
    public interface Bytes {
        void write(FileChannel out) throws IOException;
    }

    /**
     * Writes a text in UTF-8, and replaces the file if it is there.
     *
     * @throws FailedException when the disk is full or refuses
     */
    public static void write(Path file, String text) {
        writeText(file, out -> out.write(text));
    }

    /**
     * Writes a text of any size in UTF-8, and replaces the file if it is there.
     *
     * @throws FailedException when the disk is full or refuses
     */
    public static void writeText(Path file, Text text) {
        writeBytes(file, out -> {
            // Not closed: that would close the channel, which has to be brought to the disk first.
            Writer writer = new BufferedWriter(new OutputStreamWriter(Channels.newOutputStream(out),
                    StandardCharsets.UTF_8));
            text.write(writer);
            writer.flush();
        });
    }

    /**
     * Writes bytes, and replaces the file if it is there.
     *
     * @throws FailedException when the disk is full or refuses
     */
    public static void writeBytes(Path file, Bytes bytes) {
        writeBytes(file, bytes, ANY_MODE);
    }

    /** The same with bytes that are there already. */
    public static void writeBytes(Path file, byte[] content) {
        writeBytes(file, out -> writeFully(out, ByteBuffer.wrap(content)));
    }

    /**
     * Writes a text in UTF-8 that nobody but the owner may read: what a run keeps for itself.
     *
     * @throws FailedException when the disk is full or refuses
     */
    public static void writePrivate(Path file, String text) {
        writePrivateBytes(file, out -> writeFully(out, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8))));
    }

    /** The same with bytes. */
    static void writePrivateBytes(Path file, Bytes bytes) {
        writeBytes(file, bytes, FileModes.ofPrivateFile(file));
    }

    private static void writeBytes(Path file, Bytes bytes, FileAttribute<?>... modes) {
        try {
            replace(file, folderOf(file), bytes, modes);
        } catch (IOException e) {
            throw new FailedException(
                    "%s cannot be written (%s); check that there is room and that its folder may be written to"
                            .formatted(file, IoReason.of(e)),
                    e);
        }
    }

    /**
     * Writes a file whose folder may hold nothing else, not even for a moment.
     *
     * @param temporaries a folder of the same file system, where the content lies until it is whole
     */
    public static void replace(Path file, Path temporaries, Bytes bytes) throws IOException {
        replace(file, temporaries, bytes, ANY_MODE);
    }

    private static void replace(Path file, Path temporaries, Bytes bytes, FileAttribute<?>... modes)
            throws IOException {
        Leftovers.tidyOnce(temporaries);
        Path fresh = temporaries.resolve(PREFIX
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()) + SUFFIX);
        Unfinished.Removal removal = () -> Files.deleteIfExists(fresh);
        Unfinished.add(removal);
        // Not createTempFile, which lets nobody but the owner read: the umask decides.
        Files.createFile(fresh, modes);
        try (Closeable _ = LockedFile.holdNew(fresh)) {
            try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
                bytes.write(channel);
                channel.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (Throwable e) {
            Unfinished.waitForTheEnd();
            try {
                Files.deleteIfExists(fresh);
            } catch (IOException left) {
                e.addSuppressed(left);
            }
            throw e;
        } finally {
            Unfinished.remove(removal);
        }
        AtomicFolder.syncFolder(folderOf(file));
    }

    /** Writes all of a buffer. */
    static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static Path folderOf(Path file) {
        return file.toAbsolutePath().resolveSibling("");
    }
}
