package dev.come.checkpoint;

import dev.come.FailedException;
import dev.come.failure.Opening;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * A safetensors file that is mapped into memory and never copied. It is one of a {@link Checkpoint}, which says what
 * holds for it, or one apart from any model.
 */
public final class TensorFile implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 24;

    private final Path file;
    private final SafetensorsHeader header;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment map;

    private TensorFile(SafetensorsHeader header) {
        this.file = header.file();
        this.header = header;
        header.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
        try (Opening opening = new Opening(); FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            opening.add(arena::close);
            map = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
            opening.done();
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be mapped into memory (%s)".formatted(file, IoReason.of(e)), e);
        }
    }

    /**
     * Opens and checks a file.
     *
     * @throws CheckpointException when it is missing or broken; the message names it
     */
    public static TensorFile open(Path file) {
        return map(SafetensorsHeader.read(file));
    }

    /** Maps a file whose header was read and checked. */
    static TensorFile map(SafetensorsHeader header) {
        return new TensorFile(header);
    }

    /** Whether there is a tensor of that name. */
    public boolean contains(String name) {
        return tensors.containsKey(name);
    }

    /**
     * Of which type and shape a tensor is.
     *
     * @throws CheckpointException when there is no tensor of that name
     */
    public TensorInfo info(String name) {
        TensorInfo tensor = tensors.get(name);
        if (tensor == null) {
            throw new CheckpointException("%s: tensor '%s' is missing".formatted(file, name));
        }
        return tensor;
    }

    /**
     * A view of a tensor on the mapped file: stored type, no copy. It is valid until the file is closed, and must never be
     * written to.
     *
     * @throws CheckpointException when there is no tensor of that name
     */
    public Tensor tensor(String name) {
        TensorInfo tensor = info(name);
        long[] shape = tensor.shape().stream().mapToLong(Long::longValue).toArray();
        try (TensorOptions options = new TensorOptions(tensor.dtype().scalarType());
                Pointer data = new Address(data(tensor))) {
            return torch.from_blob(data, shape, options);
        }
    }

    /** Adds the data of a tensor to a digest. */
    public void addTo(MessageDigest digest, String name) {
        addTo(digest, name, Long.MAX_VALUE);
    }

    /** Adds the first bytes of a tensor to a digest, at most this number. */
    void addTo(MessageDigest digest, String name, long most) {
        TensorInfo tensor = info(name);
        long bytes = Math.min(most, tensor.byteLength());
        for (long start = 0; start < bytes; start += CHUNK_BYTES) {
            digest.update(data(tensor).asSlice(start, Math.min(CHUNK_BYTES, bytes - start)).asByteBuffer());
        }
    }

    /** Adds all that comes before the data of the tensors to a digest. */
    void addHeaderTo(MessageDigest digest) {
        digest.update(open(map).asSlice(0, header.dataStart()).asByteBuffer());
    }

    /** A digest that nothing was added to. */
    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /**
     * Writes a file that a run keeps for itself, and nobody but the owner may read. It is, at any moment, either as it was or as
     * it is now.
     *
     * @param specs the tensors in the order in which they shall lie in the file
     * @param tensorOf lends each tensor when its turn comes, as for {@link CheckpointWriter#write}
     * @throws FailedException when the disk is full or refuses
     */
    public static void write(Path file, List<TensorSpec> specs, Function<TensorSpec, Tensor> tensorOf) {
        AtomicFile.writePrivateBytes(file, out -> CheckpointWriter.writeShard(out, specs, tensorOf, _ -> {
        }));
    }

    /** Lets the memory go that holds what was read so far; it is read again when it is looked at again. */
    void unload() {
        open(map).unload();
    }

    @Override
    public void close() {
        arena.close();
    }

    private MemorySegment data(TensorInfo tensor) {
        return open(map).asSlice(tensor.offset(), tensor.byteLength());
    }

    /** An address in a closed map is no error to libtorch, but the end of the process. */
    private MemorySegment open(MemorySegment segment) {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException(file + " is closed");
        }
        return segment;
    }

    /** The address of mapped memory, as libtorch wants it. */
    private static final class Address extends Pointer {
        Address(MemorySegment segment) {
            address = segment.address();
        }
    }
}
