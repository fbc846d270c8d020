package dev.come.text;

import dev.come.FailedException;
import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps texts that come in one order and are read in another: some in memory, and what is more in a temporary file. The file
 * has no name once it is open, so nothing is left after a crash.
 */
final class TextSpool implements AutoCloseable {
    /** Characters in a block: memory and the file are divided into blocks of 1 MiB. */
    private static final int BLOCK = 1 << 19;

    private final int blocksInMemory;
    private final List<char[]> blocks = new ArrayList<>();
    private final List<Long> starts = new ArrayList<>();
    private long end;
    /** The characters that come last; they belong to no complete block yet. */
    private char[] last = new char[1 << 12];
    private final char[] loaded = new char[BLOCK];
    private long loadedBlock = -1;
    private @Nullable FileChannel file;

    /** A spool that holds up to 64 MiB in memory. */
    TextSpool() {
        this(64);
    }

    /** @param blocksInMemory MiB that are held in memory at most */
    TextSpool(int blocksInMemory) {
        this.blocksInMemory = blocksInMemory;
    }

    /** How many texts were begun. */
    int count() {
        return starts.size();
    }

    /** A new text begins. */
    void begin() {
        starts.add(end);
    }

    /** Goes on with the text that was begun last. */
    void append(char[] characters, int from, int length) {
        for (int taken = 0; taken < length;) {
            int place = (int) (end % BLOCK);
            int now = Math.min(length - taken, BLOCK - place);
            if (place + now > last.length) {
                char[] larger = new char[Math.min(BLOCK, Math.max(2 * last.length, place + now))];
                System.arraycopy(last, 0, larger, 0, place);
                last = larger;
            }
            System.arraycopy(characters, from + taken, last, place, now);
            taken += now;
            end += now;
            if (end % BLOCK == 0) {
                complete();
            }
        }
    }

    private void complete() {
        if (blocks.size() < blocksInMemory) {
            blocks.add(last);
            last = new char[BLOCK];
        } else {
            transfer(end / BLOCK - 1, last, true);
        }
    }

    /** Sends a text as a row. */
    void send(int index, RowSink sink) {
        if (!sink.begin()) {
            return;
        }
        long to = index + 1 < starts.size() ? starts.get(index + 1) : end;
        for (long from = starts.get(index); from < to && !sink.isFull();) {
            int place = (int) (from % BLOCK);
            int length = (int) Math.min(to - from, BLOCK - place);
            sink.text(block(from / BLOCK), place, length);
            from += length;
        }
        sink.end();
    }

    private char[] block(long number) {
        if (number < blocks.size()) {
            return blocks.get((int) number);
        }
        if (number == end / BLOCK) {
            return last;
        }
        if (number != loadedBlock) {
            transfer(number, loaded, false);
            loadedBlock = number;
        }
        return loaded;
    }

    private void transfer(long number, char[] block, boolean write) {
        try {
            if (file == null) {
                file = open();
            }
            ByteBuffer bytes = ByteBuffer.allocate(BLOCK * Character.BYTES);
            if (write) {
                bytes.asCharBuffer().put(block);
            }
            long at = (number - blocksInMemory) * bytes.capacity();
            while (bytes.hasRemaining()) {
                int done = write
                        ? file.write(bytes, at + bytes.position())
                        : file.read(bytes, at + bytes.position());
                if (done < 0) {
                    throw new IOException("the file ends too early");
                }
            }
            if (!write) {
                bytes.flip().asCharBuffer().get(block);
            }
        } catch (IOException e) {
            throw new FailedException(
                    "The text of the rows that were taken does not fit in memory and cannot be kept in "
                            + folder() + ": " + IoReason.of(e) + "; make room there, or name another folder with"
                            + " COME_JAVA_OPTS=-Djava.io.tmpdir=FOLDER.",
                    e);
        }
    }

    private static Path folder() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    private static FileChannel open() throws IOException {
        Path path = Files.createTempFile(folder(), ".come-text-", ".tmp");
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE);
        Files.deleteIfExists(path); // where the system allows it, nothing is left even after a crash
        return channel;
    }

    @Override
    public void close() {
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                // It was read to the end of what was needed, and has no name.
            }
        }
    }
}
