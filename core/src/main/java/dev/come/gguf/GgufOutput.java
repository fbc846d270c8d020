package dev.come.gguf;

import dev.come.FailedException;
import dev.come.checkpoint.AtomicFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A GGUF file that is to be written, version 3: entries and tensors are named first, then the tensors are written one after the
 * other. Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
 */
public final class GgufOutput {
    private static final int VERSION = 3;
    private static final int ALIGNMENT = 32;

    /** The numbers that stand for the types of entries. */
    private enum Kind {
        UINT32(4), INT32(5), FLOAT32(6), BOOL(7), STRING(8), ARRAY(9);

        private final int number;

        Kind(int number) {
            this.number = number;
        }
    }

    private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
    private final List<Entry> tensors = new ArrayList<>();
    private int entryCount;

    /**
     * A tensor of the file.
     *
     * @param shape as everywhere here, the slowest dimension first
     */
    public record Entry(String name, GgufType type, List<Long> shape) {
        public Entry {
            shape = List.copyOf(shape);
        }

        /** How many numbers it has. */
        public long numbers() {
            return shape.stream().reduce(1L, Math::multiplyExact);
        }

        /** How many bytes it takes in the file. */
        public long bytes() {
            return type.bytes(numbers());
        }
    }

    /** Writes the numbers of a tensor. */
    public interface Content {
        /** Writes exactly the bytes of the tensor. */
        void write(Entry tensor, FileChannel out) throws IOException;
    }

    /** Adds a text. */
    public GgufOutput text(String key, String value) {
        return entry(key, Kind.STRING, string(value));
    }

    /** Adds a whole number of 0 or more. */
    public GgufOutput count(String key, int value) {
        return entry(key, Kind.UINT32, bytes(Integer.BYTES, into -> into.putInt(value)));
    }

    /** Adds a number; the file has it as a float. */
    public GgufOutput number(String key, double value) {
        return entry(key, Kind.FLOAT32, bytes(Float.BYTES, into -> into.putFloat((float) value)));
    }

    /** Adds a yes or no. */
    public GgufOutput truth(String key, boolean value) {
        return entry(key, Kind.BOOL, new byte[]{(byte) (value ? 1 : 0)});
    }

    /** Adds a list of texts. */
    public GgufOutput texts(String key, List<String> values) {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        values.forEach(value -> list.writeBytes(string(value)));
        return list(key, Kind.STRING, values.size(), list.toByteArray());
    }

    /** Adds a list of whole numbers. */
    public GgufOutput integers(String key, int[] values) {
        return list(key, Kind.INT32, values.length,
                bytes(Integer.BYTES * values.length, into -> into.asIntBuffer().put(values)));
    }

    /** Adds a list of numbers. */
    public GgufOutput numbers(String key, float[] values) {
        return list(key, Kind.FLOAT32, values.length,
                bytes(Float.BYTES * values.length, into -> into.asFloatBuffer().put(values)));
    }

    /** Adds a list of yes and no. */
    public GgufOutput truths(String key, List<Boolean> values) {
        byte[] list = new byte[values.size()];
        for (int i = 0; i < list.length; i++) {
            list[i] = (byte) (values.get(i) ? 1 : 0);
        }
        return list(key, Kind.BOOL, list.length, list);
    }

    /** Adds a tensor; tensors are written in this order. */
    public GgufOutput tensor(Entry tensor) {
        tensors.add(tensor);
        return this;
    }

    /** The tensors so far. */
    public List<Entry> tensors() {
        return List.copyOf(tensors);
    }

    /** How long the file will be. */
    public long bytes() {
        return padded(header().length) + tensors.stream().mapToLong(tensor -> padded(tensor.bytes())).sum();
    }

    /**
     * Writes the file, whole or not at all. One that is there is replaced.
     *
     * @throws FailedException if the disk is full or refuses
     */
    public void write(Path file, Content content) {
        AtomicFile.writeBytes(file, out -> {
            byte[] header = header();
            put(out, header);
            pad(out, header.length);
            for (Entry tensor : tensors) {
                long before = out.position();
                content.write(tensor, out);
                if (out.position() - before != tensor.bytes()) {
                    throw new IllegalStateException("%s has %s bytes, not %s".formatted(tensor.name(),
                            out.position() - before, tensor.bytes()));
                }
                pad(out, tensor.bytes());
            }
        });
    }

    private byte[] header() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(bytes(Integer.BYTES + 2 * Long.BYTES,
                into -> into.putInt(VERSION).putLong(tensors.size()).putLong(entryCount)));
        out.writeBytes(entries.toByteArray());
        long offset = 0;
        for (Entry tensor : tensors) {
            out.writeBytes(string(tensor.name()));
            long at = offset;
            out.writeBytes(bytes(Integer.BYTES * 2 + Long.BYTES * (tensor.shape().size() + 1), into -> {
                into.putInt(tensor.shape().size());
                tensor.shape().reversed().forEach(into::putLong);
                into.putInt(tensor.type().id()).putLong(at);
            }));
            offset += padded(tensor.bytes());
        }
        return out.toByteArray();
    }

    private GgufOutput entry(String key, Kind kind, byte[] value) {
        entries.writeBytes(string(key));
        entries.writeBytes(bytes(Integer.BYTES, into -> into.putInt(kind.number)));
        entries.writeBytes(value);
        entryCount++;
        return this;
    }

    private GgufOutput list(String key, Kind kind, int size, byte[] values) {
        return entry(key, Kind.ARRAY, bytes(Integer.BYTES + Long.BYTES + values.length,
                into -> into.putInt(kind.number).putLong(size).put(values)));
    }

    private static long padded(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    private static void pad(FileChannel out, long written) throws IOException {
        put(out, new byte[(int) (padded(written) - written)]);
    }

    private static void put(FileChannel out, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            out.write(buffer);
        }
    }

    private static byte[] string(String text) {
        byte[] characters = text.getBytes(StandardCharsets.UTF_8);
        return bytes(Long.BYTES + characters.length, into -> into.putLong(characters.length).put(characters));
    }

    private static byte[] bytes(int size, Consumer<ByteBuffer> fill) {
        byte[] bytes = new byte[size];
        fill.accept(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
        return bytes;
    }
}
