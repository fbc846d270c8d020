package dev.come.checkpoint;

import dev.come.FailedException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/**
 * A safetensors file that is open for reading. It is one of a {@link Checkpoint}, which says what holds for it, or one apart
 * from any model. What is asked for is read into memory of its own.
 */
public final class TensorFile implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;

    private final SafetensorsHeader header;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final OpenFile file;

    private TensorFile(SafetensorsHeader header) {
        this.header = header;
        header.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
        this.file = OpenFile.open(header.file());
    }

    /**
     * Opens and checks a file.
     *
     * @throws CheckpointException when it is missing or broken; the message names it
     */
    public static TensorFile open(Path file) {
        return of(SafetensorsHeader.read(file));
    }

    /** Opens a file whose header was read and checked. */
    static TensorFile of(SafetensorsHeader header) {
        return new TensorFile(header);
    }

    /** All tensors, in their order in the file. */
    List<TensorInfo> tensors() {
        return header.tensors();
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
            throw new CheckpointException("%s: tensor '%s' is missing".formatted(header.file(), name));
        }
        return tensor;
    }

    /**
     * A tensor in its stored type, of the current PointerScope.
     *
     * @throws CheckpointException when there is no tensor of that name, or the file is not as long any more as it was
     */
    public Tensor tensor(String name) {
        TensorInfo tensor = info(name);
        Tensor result = TensorMemory.empty(tensor.dtype(), tensor.shape());
        file.requireUnchanged();
        file.read(tensor.offset(), TensorMemory.of(result));
        return result;
    }

    /** Some rows of a tensor that has rows, one after the other in the file; of the current PointerScope. */
    public Tensor rows(String name, long first, long count) {
        if (info(name).shape().isEmpty()) { // a single number has no rows
            return tensor(name);
        }
        Tensor result = emptyRows(info(name), count);
        readRows(name, first, result);
        return result;
    }

    /** The rows with these numbers, of the current PointerScope. */
    Tensor rows(String name, int[] numbers) {
        TensorInfo tensor = info(name);
        Tensor result = emptyRows(tensor, numbers.length);
        long bytes = rowBytes(tensor);
        MemorySegment memory = TensorMemory.of(result);
        file.requireUnchanged();
        for (int i = 0; i < numbers.length; i++) {
            file.read(tensor.offset() + numbers[i] * bytes, memory.asSlice(i * bytes, bytes));
        }
        return result;
    }

    /**
     * Reads rows of a tensor.
     *
     * @param into takes as many as it has itself; contiguous, of the stored type
     */
    void readRows(String name, long first, Tensor into) {
        TensorInfo tensor = info(name);
        file.requireUnchanged();
        file.read(tensor.offset() + first * rowBytes(tensor), TensorMemory.of(into));
    }

    private static Tensor emptyRows(TensorInfo tensor, long count) {
        List<Long> shape = new ArrayList<>(tensor.shape());
        shape.set(0, count);
        return TensorMemory.empty(tensor.dtype(), shape);
    }

    private static long rowBytes(TensorInfo tensor) {
        return tensor.byteLength() / Math.max(1, tensor.shape().getFirst());
    }

    /** Whether two tensors of two files have the same type, shape and bytes. */
    boolean holdsSame(String name, TensorFile other, String otherName) {
        TensorInfo mine = info(name);
        TensorInfo others = other.info(otherName);
        if (mine.dtype() != others.dtype() || !mine.shape().equals(others.shape())) {
            return false;
        }
        boolean same = true;
        ByteBuffer theirs = ByteBuffer.allocate(CHUNK_BYTES);
        ByteBuffer ours = ByteBuffer.allocate(CHUNK_BYTES);
        for (long done = 0; same && done < mine.byteLength(); done += CHUNK_BYTES) {
            int bytes = (int) Math.min(CHUNK_BYTES, mine.byteLength() - done);
            file.read(mine.offset() + done, ours.clear().limit(bytes));
            other.file.read(others.offset() + done, theirs.clear().limit(bytes));
            same = ours.flip().equals(theirs.flip());
        }
        return same;
    }

    /** Adds the data of a tensor to a digest. */
    public void addTo(MessageDigest digest, String name) {
        addTo(digest, name, Long.MAX_VALUE);
    }

    /** Adds the first bytes of a tensor to a digest, at most this number. */
    void addTo(MessageDigest digest, String name, long most) {
        TensorInfo tensor = info(name);
        file.requireUnchanged();
        file.pass(tensor.offset(), Math.min(most, tensor.byteLength()), digest::update);
    }

    /** Adds all that comes before the data of the tensors to a digest. */
    void addHeaderTo(MessageDigest digest) {
        file.requireUnchanged();
        file.pass(0, header.dataStart(), digest::update);
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

    @Override
    public void close() {
        file.close();
    }
}
