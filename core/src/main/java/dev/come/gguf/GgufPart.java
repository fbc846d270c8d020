package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.OpenFile;
import dev.come.failure.Opening;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.Objects;

/** One file of a model, open; most models have one. Its header lies in memory. */
record GgufPart(Path file, OpenFile bytes, GgufHeader header) implements AutoCloseable {
    /** What Java says when a page of a mapped file is not there any more. */
    private static final String FAULT = "unsafe memory access";

    /**
     * Opens and checks a file.
     *
     * @throws CheckpointException when it cannot be read or is not a sound GGUF file
     */
    static GgufPart open(Path file) {
        try (Opening opening = new Opening()) {
            OpenFile bytes = OpenFile.open(file);
            opening.add(bytes::close);
            GgufHeader header = header(file);
            bytes.requireUnchanged();
            opening.done();
            return new GgufPart(file, bytes, header);
        }
    }

    /** The header is mapped, since nobody knows how long it is. All of it is looked at by Java, which survives a fault. */
    private static GgufHeader header(Path file) {
        try (Arena arena = Arena.ofConfined(); FileChannel channel = InputFile.channel(file)) {
            return GgufHeader.read(file, channel.map(MapMode.READ_ONLY, 0, channel.size(), arena));
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s); check that it exists and may be read"
                    .formatted(file, IoReason.of(e)), e);
        } catch (InternalError e) {
            if (!Objects.requireNonNullElse(e.getMessage(), "").contains(FAULT)) {
                throw e;
            }
            throw new CheckpointException(
                    "%s became shorter while its header was read; leave it as it is while it is read, and fetch it again"
                            .formatted(file),
                    e);
        }
    }

    @Override
    public void close() {
        bytes.close();
    }
}
