package dev.come.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes small GGUF files, sound ones or not, as the format's description has it and with none of the code under test. */
final class GgufWriter {
    static final int UINT16 = 2;
    static final int UINT32 = 4;
    static final int INT32 = 5;
    static final int FLOAT32 = 6;
    static final int BOOL = 7;
    static final int STRING = 8;
    static final int ARRAY = 9;

    private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
    private final List<Entry> tensors = new ArrayList<>();
    private int entryCount;
    private int version = 3;
    private int alignment = 32;

    private record Entry(String name, int type, long[] shape, byte[] data) {}

    GgufWriter version(int number) {
        version = number;
        return this;
    }

    GgufWriter alignment(int bytes) {
        alignment = bytes;
        return integer("general.alignment", bytes);
    }

    GgufWriter text(String key, String value) {
        return entry(key, STRING, string(value));
    }

    GgufWriter integer(String key, int value) {
        return entry(key, UINT32, int32(value));
    }

    GgufWriter number(String key, double value) {
        return entry(key, FLOAT32, int32(Float.floatToIntBits((float) value)));
    }

    GgufWriter truth(String key, boolean value) {
        return entry(key, BOOL, new byte[]{(byte) (value ? 1 : 0)});
    }

    GgufWriter texts(String key, List<String> values) {
        return list(key, STRING, values.stream().map(GgufWriter::string).toList());
    }

    GgufWriter integers(String key, List<Integer> values) {
        return list(key, INT32, values.stream().map(GgufWriter::int32).toList());
    }

    GgufWriter numbers(String key, List<Float> values) {
        return list(key, FLOAT32, values.stream().map(value -> int32(Float.floatToIntBits(value))).toList());
    }

    /** Any key, also one that makes no sense. */
    GgufWriter entry(String key, int type, byte[] value) {
        entries.writeBytes(string(key));
        entries.writeBytes(int32(type));
        entries.writeBytes(value);
        entryCount++;
        return this;
    }

    /** A tensor; the shape is told as everywhere, the slowest dimension first. */
    GgufWriter tensor(String name, GgufType type, byte[] data, long... shape) {
        return tensor(name, type.id(), data, shape);
    }

    GgufWriter tensor(String name, int type, byte[] data, long... shape) {
        tensors.add(new Entry(name, type, shape, data));
        return this;
    }

    GgufWriter floats(String name, float[] values, long... shape) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return tensor(name, GgufType.F32, bytes.array(), shape);
    }

    Path write(Path file) throws IOException {
        return Files.write(file, bytes());
    }

    byte[] bytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(int32(version));
        out.writeBytes(int64(tensors.size()));
        out.writeBytes(int64(entryCount));
        out.writeBytes(entries.toByteArray());
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (Entry tensor : tensors) {
            out.writeBytes(string(tensor.name));
            out.writeBytes(int32(tensor.shape.length));
            for (int i = tensor.shape.length - 1; i >= 0; i--) {
                out.writeBytes(int64(tensor.shape[i]));
            }
            out.writeBytes(int32(tensor.type));
            out.writeBytes(int64(data.size()));
            data.writeBytes(tensor.data);
            pad(data);
        }
        pad(out);
        out.writeBytes(data.toByteArray());
        return out.toByteArray();
    }

    private void pad(ByteArrayOutputStream out) {
        while (alignment > 0 && out.size() % alignment != 0) {
            out.write(0);
        }
    }

    private GgufWriter list(String key, int type, List<byte[]> values) {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        list.writeBytes(int32(type));
        list.writeBytes(int64(values.size()));
        values.forEach(list::writeBytes);
        return entry(key, ARRAY, list.toByteArray());
    }

    static byte[] string(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return buffer(8 + bytes.length).putLong(bytes.length).put(bytes).array();
    }

    static byte[] int32(int value) {
        return buffer(4).putInt(value).array();
    }

    static byte[] int64(long value) {
        return buffer(8).putLong(value).array();
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
