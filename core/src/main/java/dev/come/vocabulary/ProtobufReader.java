package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The fields of a message in the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding), one
 * after the other. After {@link #next} one of the reads must follow.
 */
final class ProtobufReader {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int LENGTH_DELIMITED = 2;
    private static final int FIXED32 = 5;

    private final Path file;
    private final ByteBuffer bytes;
    private int field;
    private int wireType;

    ProtobufReader(Path file, ByteBuffer bytes) {
        this.file = file;
        this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Goes to the next field, if there is one. */
    boolean next() {
        if (!bytes.hasRemaining()) {
            return false;
        }
        long tag = varint();
        if (tag >>> 3 == 0 || tag >>> 32 != 0) {
            throw damaged("a field has the number " + Long.toUnsignedString(tag >>> 3));
        }
        field = (int) (tag >>> 3);
        wireType = (int) (tag & 7);
        return true;
    }

    /** The number of the field. */
    int field() {
        return field;
    }

    /** An integer, truth value or enumeration constant. */
    long integer() {
        expect(VARINT);
        return varint();
    }

    float float32() {
        expect(FIXED32);
        return require(Float.BYTES).getFloat();
    }

    /** A message, or bytes. */
    ByteBuffer bytes() {
        expect(LENGTH_DELIMITED);
        long length = varint();
        if (length < 0 || length > bytes.remaining()) {
            throw damaged("field %s is %s bytes long, but %s follow".formatted(field, Long.toUnsignedString(length),
                    bytes.remaining()));
        }
        ByteBuffer slice = bytes.slice(bytes.position(), (int) length);
        bytes.position(bytes.position() + (int) length);
        return slice;
    }

    ProtobufReader message() {
        return new ProtobufReader(file, bytes());
    }

    String string() {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes()).toString();
        } catch (CharacterCodingException e) {
            throw new CheckpointException(
                    "%s: field %s is not UTF-8 text; the file is damaged, fetch it again".formatted(file, field), e);
        }
    }

    /** Passes over the value of a field that is of no interest. */
    void skip() {
        switch (wireType) {
            case VARINT -> varint();
            case FIXED64 -> require(Long.BYTES).getLong();
            case FIXED32 -> require(Integer.BYTES).getInt();
            default -> bytes();
        }
    }

    CheckpointException damaged(String problem) {
        return new CheckpointException("%s is not a SentencePiece model that can be read: %s; fetch it again"
                .formatted(file, problem));
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            byte next = require(1).get();
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw damaged("a number has more than ten bytes");
    }

    private ByteBuffer require(int length) {
        if (bytes.remaining() < length) {
            throw damaged("it ends inside of field " + field);
        }
        return bytes;
    }

    private void expect(int type) {
        if (wireType != type) {
            throw damaged("field %s is of wire type %s, where %s is expected".formatted(field, wireType, type));
        }
    }
}
