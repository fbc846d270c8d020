package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Reads a GGUF header from front to back and never past the end of the file. Whatever says how much follows is checked
 * against what is left before anything is allocated for it.
 */
final class GgufReader {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** The number of the type {@link Type#ARRAY}. */
    private static final int LIST = 9;
    /** How deep lists may lie in each other; llama.cpp writes none that do. */
    private static final int MOST_LISTS = 4;
    /** Bytes of the smallest list: the type of its elements and how many they are. */
    private static final int SMALLEST_LIST = 12;
    /** How many characters of a text are decoded at a time to check it. */
    private static final int CHARACTERS = 1024;

    private final Path file;
    private final MemorySegment bytes;
    private long position;

    GgufReader(Path file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    /** What messages call the file. */
    Path file() {
        return file;
    }

    /** Where the header must have ended. */
    private long end() {
        return Math.min(size(), Limits.GGUF_HEADER_BYTES);
    }

    /** Bytes of the file. */
    long size() {
        return bytes.byteSize();
    }

    /** Where the next read begins. */
    long position() {
        return position;
    }

    int int32(String what) {
        return bytes.get(INT, advance(Integer.BYTES, what));
    }

    long int64(String what) {
        return bytes.get(LONG, advance(Long.BYTES, what));
    }

    /** Reads a number of things. Each takes at least {@code smallest} bytes of what is left. */
    long count(String what, int smallest) {
        long count = int64(what);
        long most = (end() - position) / smallest;
        if (count < 0 || count > most) {
            throw damaged("%s is given as %s, but the rest of the %s has room for %s at most".formatted(what,
                    Long.toUnsignedString(count),
                    end() < size() ? "%s bytes that a header may have".formatted(end()) : "file", most));
        }
        return count;
    }

    String string(String what) {
        long length = count("the length of " + what, 1);
        return text(bytes.asSlice(advance(length, what), length).asByteBuffer(), what);
    }

    private String text(ByteBuffer utf8, String what) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
        } catch (CharacterCodingException _) {
            throw notText(what);
        }
    }

    /** A value with its type in front. */
    GgufValue value(String what) {
        int type = int32("the type of " + what);
        return type == LIST ? list(what, 1) : single(type(type, what), what);
    }

    /** A list; of one that holds lists only the length is kept. */
    private GgufValue list(String what, int depth) {
        int number = int32("the type of the elements of " + what);
        if (number != LIST) {
            return items(type(number, what), what);
        }
        if (depth == MOST_LISTS) {
            throw damaged("%s has lists in lists, deeper than %s".formatted(what, MOST_LISTS));
        }
        long count = count("the number of elements of " + what, SMALLEST_LIST);
        for (long i = 0; i < count; i++) {
            list(what, depth + 1);
        }
        return new GgufValue.Lists(count);
    }

    CheckpointException damaged(String problem) {
        return new CheckpointException("%s: %s; the file is damaged, fetch it again".formatted(file, problem));
    }

    /** Bytes of a tensor's data; in a sound file they fit 63 bits. */
    long byteLength(GgufTensor tensor) {
        try {
            return tensor.byteLength();
        } catch (ArithmeticException _) {
            throw tooLarge(tensor);
        }
    }

    /** The sum of two places in a file. */
    long sum(long one, long other, GgufTensor tensor) {
        try {
            return Math.addExact(one, other);
        } catch (ArithmeticException _) {
            throw tooLarge(tensor);
        }
    }

    private CheckpointException tooLarge(GgufTensor tensor) {
        return damaged("tensor '%s' of shape %s at byte %s of the data is larger than any file can be".formatted(
                Shown.of(tensor.name()), tensor.shape(), tensor.offset()));
    }

    private GgufValue.Items items(Type type, String what) {
        int count = (int) count("the number of elements of " + what, type.bytes);
        long start = position;
        int[] starts = type == Type.STRING ? new int[count] : new int[0];
        if (type == Type.STRING) {
            CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
            CharBuffer characters = CharBuffer.allocate(CHARACTERS);
            for (int i = 0; i < count; i++) {
                starts[i] = (int) (position - start);
                long length = count("the length of " + what, 1);
                check(bytes.asSlice(advance(length, what), length).asByteBuffer(), decoder, characters, what);
            }
        } else {
            advance((long) count * type.bytes, what);
        }
        // Copied, since what was read outlives the mapped file; one by one the elements would take twenty times as much.
        byte[] copy = bytes.asSlice(start, position - start).toArray(ValueLayout.JAVA_BYTE);
        if (type == Type.BOOL) {
            for (byte truth : copy) {
                checkTruth(truth, what);
            }
        }
        MemorySegment elements = MemorySegment.ofArray(copy);
        return new GgufValue.Items(count, index -> {
            GgufReader reader = new GgufReader(file, elements);
            reader.position = type == Type.STRING ? starts[index] : (long) index * type.bytes;
            return reader.single(type, what);
        });
    }

    /** Checks a text without making it. */
    private void check(ByteBuffer utf8, CharsetDecoder decoder, CharBuffer characters, String what) {
        decoder.reset();
        CoderResult result;
        do {
            result = decoder.decode(utf8, characters.clear(), true);
        } while (result.isOverflow());
        if (result.isError()) {
            throw notText(what);
        }
    }

    private CheckpointException notText(String what) {
        return damaged(what + " is not UTF-8 text");
    }

    private GgufValue single(Type type, String what) {
        return switch (type) {
            case UINT8 -> new GgufValue.Whole(int8(what) & 0xff);
            case INT8 -> new GgufValue.Whole(int8(what));
            case UINT16 -> new GgufValue.Whole(int16(what) & 0xffff);
            case INT16 -> new GgufValue.Whole(int16(what));
            case UINT32 -> new GgufValue.Whole(int32(what) & 0xffff_ffffL);
            case INT32 -> new GgufValue.Whole(int32(what));
            case FLOAT32 -> {
                float number = Float.intBitsToFloat(int32(what));
                yield new GgufValue.Fraction(Double.parseDouble(Float.toString(number)));
            }
            case BOOL -> {
                byte truth = int8(what);
                checkTruth(truth, what);
                yield new GgufValue.Truth(truth == 1);
            }
            case STRING -> new GgufValue.Text(string(what));
            case ARRAY -> throw new IllegalStateException("lists are read elsewhere");
            case UINT64 -> {
                long number = int64(what);
                // What does not fit 63 bits is no size of anything here, and as a number it is still told about.
                yield number >= 0
                        ? new GgufValue.Whole(number)
                        : new GgufValue.Fraction(Double.parseDouble(Long.toUnsignedString(number)));
            }
            case INT64 -> new GgufValue.Whole(int64(what));
            case FLOAT64 -> new GgufValue.Fraction(Double.longBitsToDouble(int64(what)));
        };
    }

    private void checkTruth(byte truth, String what) {
        if (truth != 0 && truth != 1) {
            throw damaged("%s is the truth value %s, where 0 or 1 is expected".formatted(what, truth));
        }
    }

    private Type type(int number, String what) {
        if (number < 0 || number >= Type.values().length) {
            throw damaged("%s is of type %s, and there is no such type".formatted(what,
                    Integer.toUnsignedString(number)));
        }
        return Type.values()[number];
    }

    private byte int8(String what) {
        return bytes.get(ValueLayout.JAVA_BYTE, advance(Byte.BYTES, what));
    }

    private short int16(String what) {
        return bytes.get(SHORT, advance(Short.BYTES, what));
    }

    private long advance(long length, String what) {
        if (length > size() - position) {
            throw new CheckpointException("%s: the file ends at byte %s, inside of %s; it is truncated, fetch it again"
                    .formatted(file, size(), what));
        }
        position += length;
        return position - length;
    }

    /** The types of values, in the order of their numbers, with the least bytes that a value takes. */
    private enum Type {
        UINT8(1), INT8(1), UINT16(2), INT16(2), UINT32(4), INT32(4), FLOAT32(4), BOOL(1), STRING(8), ARRAY(12), UINT64(
                8), INT64(
                        8), FLOAT64(8);

        private final int bytes;

        Type(int bytes) {
            this.bytes = bytes;
        }
    }
}
