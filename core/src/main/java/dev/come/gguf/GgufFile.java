package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.OpenFile;
import dev.come.checkpoint.TensorFile;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Objects;

/** An open GGUF file. Its header lies in memory; parts of its tensors are read when they are asked for. */
final class GgufFile implements AutoCloseable {
    /** So much of each tensor goes into the fingerprint. */
    private static final long FINGERPRINT_BYTES = 4096;
    /** What Java says when a page of a mapped file is not there any more. */
    private static final String FAULT = "unsafe memory access";

    private final Path file;
    private final OpenFile bytes;
    private final GgufHeader header;

    private GgufFile(Path file) {
        this.file = file;
        try (Opening opening = new Opening()) {
            this.bytes = OpenFile.open(file);
            opening.add(bytes::close);
            this.header = header(file);
            bytes.requireUnchanged();
            opening.done();
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

    /**
     * Opens and checks a file.
     *
     * @throws CheckpointException when it cannot be read or is not a sound GGUF file
     */
    static GgufFile open(Path file) {
        return Shortage.reading(file, () -> new GgufFile(file));
    }

    Path file() {
        return file;
    }

    GgufHeader header() {
        return header;
    }

    GgufMetadata metadata() {
        return header.metadata();
    }

    /**
     * Reads a part of a tensor.
     *
     * @param start where it begins, in bytes from the start of the tensor
     * @param into is filled
     * @throws CheckpointException when the file has not so much any more
     */
    void read(GgufTensor tensor, long start, byte[] into) {
        bytes.read(tensor.offset() + start, ByteBuffer.wrap(into));
    }

    /** Checks that the file is as long as it was when it was opened. */
    void requireUnchanged() {
        bytes.requireUnchanged();
    }

    /**
     * SHA-256, in hexadecimal digits, over the header, the size of the file and the first 4096 bytes of every tensor. It
     * costs next to nothing, whatever the size of the model, and yet tells a model from its fine-tuned or otherwise
     * quantised relatives, which differ in nearly every tensor.
     *
     * @param version what else makes a difference to whoever asks
     */
    String fingerprint(String version) {
        MessageDigest digest = TensorFile.sha256();
        digest.update("%s %s".formatted(version, bytes.size()).getBytes(StandardCharsets.UTF_8));
        bytes.pass(0, Math.min(header.dataStart(), bytes.size()), digest::update);
        for (GgufTensor tensor : header.tensors()) {
            bytes.pass(tensor.offset(), Math.min(FINGERPRINT_BYTES, tensor.byteLength()), digest::update);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    @Override
    public void close() {
        bytes.close();
    }
}
