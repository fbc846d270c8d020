package dev.come.checkpoint;

import dev.come.FailedException;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * A file that stays open and is read in parts, by several threads if need be. It is not mapped into memory: were a mapped file
 * shortened, the next look at what is gone would be the end of the process. Here it is a failure that can be told.
 */
public final class OpenFile implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 24;
    private static final int PASSING_BYTES = 1 << 20;

    private final Path file;
    private final FileChannel channel;
    private final long size;

    private OpenFile(Path file, FileChannel channel, long size) {
        this.file = file;
        this.channel = channel;
        this.size = size;
    }

    /**
     * Opens a file.
     *
     * @throws CheckpointException when it is not there, may not be read, or is no regular file
     */
    public static OpenFile open(Path file) {
        try {
            long size = Files.size(file);
            return new OpenFile(file, InputFile.channel(file), size);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** Bytes that it had when it was opened. */
    public long size() {
        return size;
    }

    /**
     * Checks that it is as long as it was when it was opened.
     *
     * @throws CheckpointException when it is not
     */
    public void requireUnchanged() {
        try {
            if (channel.size() != size) {
                throw changed(channel.size());
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * Reads a part.
     *
     * @param position where it begins, in bytes from the start of the file
     * @param into is filled
     * @throws CheckpointException when there is not so much any more
     */
    public void read(long position, MemorySegment into) {
        for (long done = 0; done < into.byteSize(); done += CHUNK_BYTES) {
            read(position + done, into.asSlice(done, Math.min(CHUNK_BYTES, into.byteSize() - done)).asByteBuffer());
        }
    }

    /** Fills a buffer as {@link #read(long, MemorySegment)} fills memory. */
    public void read(long position, ByteBuffer into) {
        try {
            FileParts.Local.readFully(channel, into, position);
        } catch (EOFException _) {
            requireUnchanged();
            throw changed(position);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * Shows a part piece by piece.
     *
     * @param position where it begins, in bytes from the start of the file
     * @param reader is lent each piece until it returns
     * @throws CheckpointException when there is not so much any more
     */
    public void pass(long position, long bytes, Consumer<ByteBuffer> reader) {
        ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PASSING_BYTES, bytes));
        for (long done = 0; done < bytes; done += piece.limit()) {
            piece.clear().limit((int) Math.min(piece.capacity(), bytes - done));
            read(position + done, piece);
            reader.accept(piece.flip());
        }
    }

    private CheckpointException changed(long found) {
        return new CheckpointException(
                "%s has %s bytes now, but had %s when it was opened; leave it as it is while it is read, and fetch it again"
                        .formatted(file, found, size));
    }

    private RuntimeException failed(IOException e) {
        return channel.isOpen() ? unreadable(file, e) : new IllegalStateException(file + " is closed", e);
    }

    private static CheckpointException unreadable(Path file, IOException e) {
        return new CheckpointException("%s cannot be read (%s); check that it exists and may be read".formatted(file,
                IoReason.of(e)), e);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new FailedException("%s cannot be closed (%s)".formatted(file, IoReason.of(e)), e);
        }
    }
}
