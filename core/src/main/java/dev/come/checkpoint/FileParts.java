package dev.come.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that can be read in parts, wherever it lies. */
public interface FileParts {
    /** Bytes of the whole file. */
    long size() throws IOException;

    /**
     * Reads a part.
     *
     * @param position where it begins, in bytes from the start of the file
     * @param length in bytes; so many follow
     */
    byte[] read(long position, int length) throws IOException;

    /** A file on this machine. */
    static FileParts of(Path file) {
        return new Local(file);
    }

    /** A file that is opened for each part, so that nothing has to be closed. */
    record Local(Path file) implements FileParts {
        @Override
        public long size() throws IOException {
            InputFile.check(file);
            return Files.size(file);
        }

        @Override
        public byte[] read(long position, int length) throws IOException {
            try (FileChannel channel = InputFile.channel(file)) {
                ByteBuffer bytes = ByteBuffer.allocate(length);
                readFully(channel, bytes, position);
                return bytes.array();
            }
        }

        /** Fills a buffer from a position of the file on. */
        static void readFully(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
            long next = position;
            while (bytes.hasRemaining()) {
                int read = channel.read(bytes, next);
                if (read < 0) {
                    throw new EOFException("it became shorter while it was read");
                }
                next += read;
            }
        }
    }
}
