package dev.come.checkpoint;

import dev.come.failure.Shortage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The header of a safetensors file. Eight bytes give its length; the JSON after them says where each tensor lies in the
 * rest of the file. Source: the format's own description at https://github.com/huggingface/safetensors.
 *
 * <p>A header that was read is sound: every tensor has a known type, its bytes are as many as type and shape ask for,
 * and the tensors fill the file to its end without a hole and without sharing a byte.
 *
 * @param file the file that begins with it
 * @param dataStart where the data of the first tensor begin, in bytes from the start of the file
 * @param tensors in the order in which their data lie in the file
 */
record SafetensorsHeader(Path file, long dataStart, List<TensorInfo> tensors) {
    private static final String METADATA = "__metadata__";
    private static final byte[] GIT_LFS_POINTER = "version ".getBytes(StandardCharsets.US_ASCII);

    /**
     * Reads and checks the header of a file.
     *
     * @throws CheckpointException when the file cannot be read or is not a sound safetensors file
     */
    static SafetensorsHeader read(Path file) {
        return read(file, FileParts.of(file));
    }

    /**
     * Reads and checks the header of a file that may lie elsewhere.
     *
     * @param file what it is called in messages and by its tensors
     * @throws CheckpointException when the file cannot be read or is not a sound safetensors file
     */
    static SafetensorsHeader read(Path file, FileParts parts) {
        return Shortage.reading(file, () -> readAndCheck(file, parts));
    }

    private static SafetensorsHeader readAndCheck(Path file, FileParts parts) {
        try {
            long fileSize = parts.size();
            if (fileSize < Long.BYTES) {
                throw new CheckpointException(
                        ("%s: a safetensors file begins with 8 bytes that give the length of its header, "
                                + "but the file has only %s; fetch it again").formatted(file, fileSize));
            }
            byte[] start = parts.read(0, Long.BYTES);
            if (Arrays.equals(start, GIT_LFS_POINTER)) {
                throw new CheckpointException(
                        file + ": this is a Git LFS pointer, not the weights; run 'git lfs pull' in its folder");
            }
            long length = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (length < 2 || length > Limits.HEADER_BYTES) {
                throw new CheckpointException(
                        ("%s: the header's length is given as %s bytes, where 2 to %s are possible; this "
                                + "is not a safetensors file, or it is damaged")
                                .formatted(file, Long.toUnsignedString(length), Limits.HEADER_BYTES));
            }
            if (length > fileSize - Long.BYTES) {
                throw new CheckpointException(("%s: the header is %s bytes long, but only %s bytes follow; the file is "
                        + "truncated, fetch it again").formatted(file, length, fileSize - Long.BYTES));
            }
            return parse(parts.read(Long.BYTES, (int) length), file, fileSize);
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s); check that it exists and may be read"
                    .formatted(file, IoReason.of(e)), e);
        }
    }

    /** Checks the JSON of a header against the size in bytes of the file that it came from. */
    static SafetensorsHeader parse(byte[] json, Path file, long fileSize) {
        long dataStart = (long) Long.BYTES + json.length;
        List<TensorInfo> tensors = new ArrayList<>();
        Json.forEach(json, file, (name, entry) -> {
            if (name.equals(METADATA)) {
                checkMetadata(file, entry);
            } else {
                Limits.check(file, "the number of tensors", tensors.size() + 1L, Limits.TENSORS);
                tensors.add(new EntryReader(file, name, entry).tensor(dataStart));
            }
        });
        tensors.sort(Comparator.comparingLong(TensorInfo::offset).thenComparingLong(TensorInfo::byteLength));
        checkLayout(file, dataStart, tensors, fileSize);
        return new SafetensorsHeader(file, dataStart, List.copyOf(tensors));
    }

    /**
     * The start of a file that holds these tensors in this order: length and JSON. Spaces pad it so that the data begin
     * at a multiple of eight bytes.
     */
    static byte[] encode(List<TensorSpec> tensors) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        // transformers refuses a file that does not say which framework's tensors it holds.
        root.putObject(METADATA).put("format", "pt");
        long offset = 0;
        for (TensorSpec tensor : tensors) {
            ObjectNode entry = root.putObject(tensor.name()).put("dtype", tensor.dtype().name());
            tensor.shape().forEach(entry.putArray("shape")::add);
            long end = offset + tensor.byteLength();
            entry.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] json = Json.printCompact(root).getBytes(StandardCharsets.UTF_8);
        int padded = Math.ceilDiv(json.length, Long.BYTES) * Long.BYTES;
        ByteBuffer header = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(padded).put(json);
        Arrays.fill(header.array(), header.position(), header.capacity(), (byte) ' ');
        return header.array();
    }

    /**
     * Bytes of a tensor's data.
     *
     * @throws ArithmeticException when that does not fit 63 bits
     */
    static long byteLength(DType dtype, List<Long> shape) {
        return shape.stream().reduce((long) dtype.bytes(), Math::multiplyExact);
    }

    private static void checkMetadata(Path file, JsonNode metadata) {
        if (metadata.isNull()) {
            return; // the format's own reader takes it for none
        }
        if (!metadata.isObject() || !metadata.valueStream().allMatch(JsonNode::isString)) {
            throw new CheckpointException(
                    "%s: %s must be an object whose values are texts; the header is damaged, fetch the file again"
                            .formatted(file, METADATA));
        }
    }

    private static void checkLayout(Path file, long dataStart, List<TensorInfo> tensors, long fileSize) {
        long end = dataStart;
        @Nullable
        TensorInfo before = null;
        for (TensorInfo tensor : tensors) {
            if (tensor.offset() < end) {
                throw new CheckpointException(
                        ("%s: %s begins at byte %s, inside of %s, which ends at byte %s; the "
                                + "header is damaged, fetch the file again")
                                .formatted(file, name(tensor), tensor.offset(), name(before), end));
            }
            if (tensor.offset() > end) {
                throw new CheckpointException(
                        ("%s: %s bytes between %s and %s belong to no tensor; the header is "
                                + "damaged, fetch the file again")
                                .formatted(file, tensor.offset() - end, name(before), name(tensor)));
            }
            end = tensor.offset() + tensor.byteLength();
            before = tensor;
            if (end > fileSize) {
                throw new CheckpointException(
                        "%s: %s ends at byte %s, but the file has only %s; the file is truncated, fetch it again"
                                .formatted(file, name(before), end, fileSize));
            }
        }
        if (end < fileSize) {
            throw new CheckpointException(
                    "%s: %s bytes after %s belong to no tensor; the file is damaged, fetch it again"
                            .formatted(file, fileSize - end, name(before)));
        }
    }

    private static String name(@Nullable TensorInfo tensor) {
        return tensor == null ? "the header" : "tensor '%s'".formatted(Shown.of(tensor.name()));
    }

    /** Reads what the header says about one tensor. */
    private record EntryReader(Path file, String name, JsonNode entry) {
        TensorInfo tensor(long dataStart) {
            DType dtype = dtype();
            List<Long> shape = counts("shape");
            List<Long> offsets = counts("data_offsets");
            if (offsets.size() != 2 || offsets.getFirst() > offsets.getLast()) {
                throw wrong("data_offsets must be [begin, end] with begin <= end, but are " + Shown.of(offsets));
            }
            long stored = offsets.getLast() - offsets.getFirst();
            try {
                long needed = byteLength(dtype, shape);
                if (stored != needed) {
                    throw wrong("%s of shape %s takes %s bytes, but data_offsets %s give it %s".formatted(dtype,
                            Shown.of(shape), needed, offsets, stored));
                }
                long end = Math.addExact(dataStart, offsets.getLast());
                return new TensorInfo(name, dtype, shape, file, end - stored, stored);
            } catch (ArithmeticException _) {
                throw wrong("%s of shape %s at %s is larger than any file can be".formatted(dtype, Shown.of(shape),
                        offsets));
            }
        }

        private DType dtype() {
            JsonNode dtype = entry.path("dtype");
            if (!dtype.isString()) {
                throw wrong("its dtype is missing");
            }
            return DType.named(dtype.stringValue())
                    .orElseThrow(() -> new UnknownTypeException(
                            ("%s: tensor '%s' is stored as %s, which is not supported (supported: %s); convert the "
                                    + "model to BF16, F16 or F32 first")
                                    .formatted(file, Shown.of(name), Shown.of(dtype).replace("\"", ""),
                                            Arrays.toString(DType.values()))));
        }

        private List<Long> counts(String key) {
            JsonNode list = entry.path(key);
            if (list.size() > Limits.DIMENSIONS) {
                throw wrong("%s has %s entries, where %s are possible at most".formatted(key, list.size(),
                        Limits.DIMENSIONS));
            }
            if (!list.isArray() || !list.valueStream().allMatch(EntryReader::isCount)) {
                throw wrong("%s must be a list of numbers that are not negative, but is %s".formatted(key,
                        list.isMissingNode() ? "missing" : Shown.of(list)));
            }
            return list.valueStream().map(JsonNode::longValue).toList();
        }

        private static boolean isCount(JsonNode node) {
            return node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0;
        }

        private CheckpointException wrong(String what) {
            return new CheckpointException("%s: tensor '%s': %s; the header is damaged, fetch the file again"
                    .formatted(file, Shown.of(name), what));
        }
    }
}
