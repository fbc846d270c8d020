package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a GGUF file begins with: its keys and values, and where in the rest of the file which tensor lies. Source:
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
 *
 * <p>A header that was read is sound: every name occurs once, every tensor has a known type and whole blocks, begins at a
 * multiple of the alignment, lies within the file, shares no byte with another and leaves no gap.
 *
 * @param dataStart where the data of the tensors begin, in bytes from the start of the file; before it is the header
 * @param tensors in the order in which their data lie in the file
 */
record GgufHeader(GgufMetadata metadata, long dataStart, List<GgufTensor> tensors) {
    private static final int MAGIC = 0x46554747; // "GGUF"
    private static final int GIT_LFS_POINTER = 0x73726576; // "vers", as its first line begins
    private static final int BIG_ENDIAN_LIMIT = 1 << 16;
    private static final String ALIGNMENT = "general.alignment";
    private static final int DEFAULT_ALIGNMENT = 32;
    /** Bytes of the smallest possible key with its value, and of the smallest possible entry of a tensor. */
    private static final int SMALLEST_ENTRY = 13;
    private static final int SMALLEST_TENSOR = 32;
    private static final int MOST_DIMENSIONS = 4;

    /**
     * Reads and checks the header.
     *
     * @param bytes the whole file
     * @throws CheckpointException when it is not a sound GGUF file
     */
    static GgufHeader read(Path file, MemorySegment bytes) {
        GgufReader in = new GgufReader(file, bytes);
        checkBeginning(in);
        long tensorCount = in.count("the number of tensors", SMALLEST_TENSOR);
        long entryCount = in.count("the number of keys", SMALLEST_ENTRY);
        Limits.check(file, "the number of tensors", tensorCount, Limits.TENSORS);
        Limits.check(file, "the number of keys", entryCount, Limits.GGUF_KEYS);
        Map<String, GgufValue> values = new LinkedHashMap<>();
        for (long i = 0; i < entryCount; i++) {
            String key = in.string("key %s".formatted(i));
            if (key.isEmpty()) {
                throw in.damaged("key %s has no name".formatted(i));
            }
            String name = "the key '%s'".formatted(Shown.of(key));
            if (values.put(key, in.value(name)) != null) {
                throw in.damaged(name + " is given twice");
            }
        }
        GgufMetadata metadata = new GgufMetadata(file, values);
        int alignment = alignment(metadata, in);
        List<GgufTensor> tensors = new ArrayList<>();
        for (long i = 0; i < tensorCount; i++) {
            tensors.add(tensor(in, in.string("the name of tensor %s".formatted(i)), alignment));
        }
        long dataStart = Math.ceilDiv(in.position(), alignment) * alignment;
        return new GgufHeader(metadata, dataStart, placed(in, tensors, dataStart, alignment));
    }

    private static void checkBeginning(GgufReader in) {
        int magic = in.int32("the mark GGUF");
        if (magic == GIT_LFS_POINTER) {
            throw new CheckpointException(
                    in.file() + ": this is a Git LFS pointer, not the model; run 'git lfs pull' in its folder");
        }
        if (magic != MAGIC) {
            throw new CheckpointException(
                    "%s: a GGUF file begins with the letters GGUF, but this one does not; give a GGUF file or a model folder"
                            .formatted(in.file()));
        }
        int version = in.int32("the version");
        if (Integer.reverseBytes(version) > 0 && Integer.reverseBytes(version) < BIG_ENDIAN_LIMIT
                && version >>> 16 != 0) {
            throw new CheckpointException(
                    "%s: the file was written for a big-endian machine, and only little-endian files are read; get that one"
                            .formatted(in.file()));
        }
        if (version != 2 && version != 3) {
            throw new CheckpointException(
                    ("%s: the file is of GGUF version %s, where 2 or 3 is expected; convert the model again with a current "
                            + "llama.cpp").formatted(in.file(), Integer.toUnsignedString(version)));
        }
    }

    private static int alignment(GgufMetadata metadata, GgufReader in) {
        int alignment = metadata.count(ALIGNMENT).orElse(DEFAULT_ALIGNMENT);
        if (Integer.bitCount(alignment) != 1) {
            throw in.damaged("'%s' is %s, which is not a power of two".formatted(ALIGNMENT, alignment));
        }
        return alignment;
    }

    /** An entry of the tensor list; the offset is still counted from the start of the data. */
    private static GgufTensor tensor(GgufReader in, String name, int alignment) {
        String tensor = "tensor '%s'".formatted(Shown.of(name));
        if (name.isEmpty()) {
            throw in.damaged("a tensor has no name");
        }
        int dimensions = in.int32("the dimensions of " + tensor);
        if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
            throw in.damaged("%s has %s dimensions, where 1 to %s are possible".formatted(tensor,
                    Integer.toUnsignedString(dimensions), MOST_DIMENSIONS));
        }
        List<Long> shape = new ArrayList<>();
        for (int i = 0; i < dimensions; i++) {
            long size = in.int64("the shape of " + tensor);
            if (size < 1 || size > Integer.MAX_VALUE) {
                throw in.damaged("a dimension of %s is %s, where 1 to %s are possible".formatted(tensor,
                        Long.toUnsignedString(size), Integer.MAX_VALUE));
            }
            // The file names the dimension first whose elements are neighbours.
            shape.addFirst(size);
        }
        int typeId = in.int32("the type of " + tensor);
        GgufType type = GgufType.of(typeId)
                .orElseThrow(() -> new CheckpointException(
                        "%s: %s is %s, which is not read (read are: %s); get the model in one of those"
                                .formatted(in.file(), tensor, GgufType.nameOf(typeId), GgufType.known())));
        if (shape.getLast() % type.blockLength() != 0) {
            throw in.damaged(
                    "%s is %s, which comes in blocks of %s, but its rows have %s numbers".formatted(tensor, type,
                            type.blockLength(), shape.getLast()));
        }
        long offset = in.int64("the place of " + tensor);
        if (offset < 0 || offset % alignment != 0) {
            throw in.damaged("%s begins at byte %s of the data, which is not a multiple of the alignment, %s".formatted(
                    tensor, Long.toUnsignedString(offset), alignment));
        }
        return new GgufTensor(name, type, shape, offset);
    }

    /**
     * Puts the tensors in order and counts their places from the start of the file. Each begins where the one before it ends,
     * up to the next multiple of the alignment: a gap is what a wrong type or shape leaves.
     */
    private static List<GgufTensor> placed(GgufReader in, List<GgufTensor> tensors, long dataStart, int alignment) {
        Set<String> names = new HashSet<>();
        List<GgufTensor> sorted = tensors.stream().sorted(Comparator.comparingLong(GgufTensor::offset)).toList();
        List<GgufTensor> placed = new ArrayList<>();
        long end = dataStart;
        @Nullable
        GgufTensor before = null;
        for (GgufTensor tensor : sorted) {
            if (!names.add(tensor.name())) {
                throw in.damaged(nameOf(tensor) + " is given twice");
            }
            long begin = in.sum(dataStart, tensor.offset(), tensor);
            if (begin < end) {
                throw in.damaged("%s begins at byte %s, inside of %s, which ends at byte %s".formatted(nameOf(tensor),
                        begin, nameOf(before), end));
            }
            if (begin - end >= alignment) {
                throw in.damaged("%s bytes between %s and %s belong to no tensor".formatted(begin - end,
                        nameOf(before), nameOf(tensor)));
            }
            end = in.sum(begin, in.byteLength(tensor), tensor);
            before = tensor;
            if (end > in.size()) {
                throw new CheckpointException(
                        "%s: %s ends at byte %s, but the file has only %s; the file is truncated, fetch it again"
                                .formatted(in.file(), nameOf(tensor), end, in.size()));
            }
            placed.add(new GgufTensor(tensor.name(), tensor.type(), tensor.shape(), begin));
        }
        if (before != null && in.size() - end >= alignment) {
            throw in.damaged("%s bytes after %s belong to no tensor".formatted(in.size() - end, nameOf(before)));
        }
        return List.copyOf(placed);
    }

    private static String nameOf(@Nullable GgufTensor tensor) {
        return tensor == null ? "the header" : "tensor '%s'".formatted(Shown.of(tensor.name()));
    }
}
