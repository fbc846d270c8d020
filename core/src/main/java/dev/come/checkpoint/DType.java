package dev.come.checkpoint;

import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Element type of a stored tensor, under the name that the safetensors format gives it.
 *
 * <p>The format has more types (8-bit floats, 4-bit and 6-bit blocks, complex numbers). They belong to quantised
 * checkpoints, whose scales lie in other tensors, so that layers cannot be merged from them; they are refused.
 */
public enum DType {
    F64(8, ScalarType.Double), F32(4, ScalarType.Float), F16(2, ScalarType.Half), BF16(2, ScalarType.BFloat16), I64(8,
            ScalarType.Long), I32(4, ScalarType.Int), I16(2, ScalarType.Short), I8(1, ScalarType.Char), U64(8,
                    ScalarType.UInt64), U32(4, ScalarType.UInt32), U16(2,
                            ScalarType.UInt16), U8(1, ScalarType.Byte), BOOL(1, ScalarType.Bool);

    private final int bytes;
    private final ScalarType scalarType;

    DType(int bytes, ScalarType scalarType) {
        this.bytes = bytes;
        this.scalarType = scalarType;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** The same type in libtorch. */
    public ScalarType scalarType() {
        return scalarType;
    }

    /** Whether this is a floating-point type. */
    public boolean floating() {
        return switch (this) {
            case F64, F32, F16, BF16 -> true;
            case I64, I32, I16, I8, U64, U32, U16, U8, BOOL -> false;
        };
    }

    /**
     * The type with that libtorch name.
     *
     * @throws IllegalArgumentException when no stored type corresponds to it
     */
    public static DType of(ScalarType scalarType) {
        return Arrays.stream(values()).filter(type -> type.scalarType.value == scalarType.value).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no stored type for libtorch's " + scalarType));
    }

    /** The type with that name in a safetensors header, if it is one of these. */
    static Optional<DType> named(String name) {
        return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
    }
}
