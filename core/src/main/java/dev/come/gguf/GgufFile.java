package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.IoReason;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A GGUF file that was opened for reading: its header, and its tensors mapped into memory. The file must not be shortened
 * while it is open: the process would die at the next look at what is gone.
 */
final class GgufFile implements AutoCloseable {
    /** So much of each tensor goes into the fingerprint. */
    private static final long FINGERPRINT_BYTES = 4096;

    private final Path file;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment bytes;
    private final GgufHeader header;

    private GgufFile(Path file) {
        this.file = file;
        try (Opening opening = new Opening(); FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            opening.add(arena::close);
            this.bytes = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
            this.header = GgufHeader.read(file, bytes);
            opening.done();
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s); check that it exists and may be read"
                    .formatted(file, IoReason.of(e)), e);
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

    /** The bytes of a tensor in the mapped file. */
    MemorySegment data(GgufTensor tensor) {
        return bytes.asSlice(tensor.offset(), tensor.byteLength());
    }

    /**
     * SHA-256, in hexadecimal digits, over the header, the size of the file and the first 4096 bytes of every tensor. It
     * costs next to nothing, whatever the size of the model, and yet tells a model from its fine-tuned or otherwise
     * quantised relatives, which differ in nearly every tensor.
     *
     * @param version what else makes a difference to whoever asks
     */
    String fingerprint(String version) {
        MessageDigest digest = sha256();
        digest.update("%s %s".formatted(version, bytes.byteSize()).getBytes(StandardCharsets.UTF_8));
        digest.update(bytes.asSlice(0, Math.min(header.dataStart(), bytes.byteSize())).asByteBuffer());
        for (GgufTensor tensor : header.tensors()) {
            digest.update(data(tensor).asSlice(0, Math.min(FINGERPRINT_BYTES, tensor.byteLength())).asByteBuffer());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    @Override
    public void close() {
        arena.close();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
