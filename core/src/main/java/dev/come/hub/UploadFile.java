package dev.come.hub;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A file that is to be on the hub, as it was when the upload began. For one thread at a time. */
final class UploadFile {
    /** The hub looks at so many bytes to tell whether a file is a text. */
    private static final int SAMPLE_BYTES = 512;
    private static final int BUFFER_BYTES = 1 << 20;

    private final String name;
    private final Path path;
    private final long size;
    private final FileTime modified;
    private @Nullable String sha256;

    private UploadFile(String name, Path path, BasicFileAttributes facts) {
        this.name = name;
        this.path = path;
        this.size = facts.size();
        this.modified = facts.lastModifiedTime();
    }

    /**
     * Looks at a file.
     *
     * @param name what it is called in the repository, with slashes
     * @throws FailedException if it cannot be looked at
     */
    static UploadFile of(String name, Path path) {
        return new UploadFile(name, path, facts(path));
    }

    private static BasicFileAttributes facts(Path path) {
        try {
            InputFile.check(path);
            return Files.readAttributes(path, BasicFileAttributes.class);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    private static FailedException unreadable(Path path, IOException e) {
        return new FailedException(path + " cannot be read (" + IoReason.of(e) + "); mend that and push again", e);
    }

    String name() {
        return name;
    }

    long size() {
        return size;
    }

    /** The beginning of the file. */
    byte[] sample() {
        try (InputStream bytes = InputFile.stream(path)) {
            return bytes.readNBytes(SAMPLE_BYTES);
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /** The whole of a small file. */
    byte[] content() {
        try (InputStream bytes = InputFile.stream(path)) {
            byte[] content = bytes.readNBytes((int) Math.min(size + 1, Integer.MAX_VALUE - Long.BYTES));
            if (content.length != size) {
                throw changed();
            }
            return content;
        } catch (IOException e) {
            throw unreadable(path, e);
        }
    }

    /** Whether a small file holds a text of ASCII characters. */
    boolean contains(String text) {
        return new String(content(), StandardCharsets.ISO_8859_1).contains(text);
    }

    /**
     * A part of the file.
     *
     * @throws IOException if it cannot be read
     */
    InputStream part(long from) throws IOException {
        FileChannel channel = InputFile.channel(path);
        channel.position(from);
        return Channels.newInputStream(channel);
    }

    /** Whether the hub has this content, by what it tells of it. Only a file of the same size is read. */
    boolean isThere(HubHttp.@Nullable Told told, Progress.Task task) {
        if (told == null || told.size().orElse(-1) != size) {
            return false;
        }
        Optional<BlobHash> hash = told.etag().flatMap(etag -> BlobHash.of(etag, size));
        if (hash.isPresent() && hash.get().algorithm().equals("SHA-256")) {
            return sha256(task).equals(told.etag().get());
        }
        hash.ifPresent(sum -> read(sum, task));
        return hash.isPresent() && hash.get().matches();
    }

    /** The SHA-256 of the file; it is read once. */
    String sha256(Progress.Task task) {
        if (sha256 == null) {
            BlobHash sum = BlobHash.ofLarge();
            read(sum, task);
            sha256 = sum.value();
        }
        return sha256;
    }

    private void read(BlobHash sum, Progress.Task task) {
        try (FileChannel channel = InputFile.channel(path)) {
            ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
            while (channel.read(buffer.clear()) >= 0) {
                task.advance(buffer.position());
                sum.update(buffer.flip());
            }
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        requireUnchanged();
    }

    /**
     * Checks that nobody has written to the file since the upload began; the hash that was told would be wrong.
     *
     * @throws FailedException if somebody has
     */
    void requireUnchanged() {
        BasicFileAttributes now = facts(path);
        if (now.size() != size || !now.lastModifiedTime().equals(modified)) {
            throw changed();
        }
    }

    private FailedException changed() {
        return new FailedException(
                path + " was changed while it was pushed; wait until nobody writes there, and push again");
    }

    @Override
    public String toString() {
        return name;
    }
}
