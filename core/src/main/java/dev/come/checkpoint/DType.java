package dev.come.checkpoint;

import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Element type of a stored tensor, under the name that the safetensors format gives it.
 *
 * <p>Floats of eight bits are no weights by themselves: their scales lie in other tensors ({@link ScaledTensor}). The format has
 * more types (4-bit and 6-bit blocks, complex numbers), which are refused.
 */
public enum DType {
    F64(8, ScalarType.Double, "float64"), //
    F32(4, ScalarType.Float, "float32"), //
    F16(2, ScalarType.Half, "float16"), //
    BF16(2, ScalarType.BFloat16, "bfloat16"), //
    I64(8, ScalarType.Long, "int64"), //
    I32(4, ScalarType.Int, "int32"), //
    I16(2, ScalarType.Short, "int16"), //
    I8(1, ScalarType.Char, "int8"), //
    U64(8, ScalarType.UInt64, "uint64"), //
    U32(4, ScalarType.UInt32, "uint32"), //
    U16(2, ScalarType.UInt16, "uint16"), //
    U8(1, ScalarType.Byte, "uint8"), //
    BOOL(1, ScalarType.Bool, "bool"), //
    /** Four bits of exponent, three of fraction. */
    F8_E4M3(1, ScalarType.Float8_e4m3fn, "float8_e4m3fn"), //
    /** Five bits of exponent, two of fraction. */
    F8_E5M2(1, ScalarType.Float8_e5m2, "float8_e5m2"), //
    /** An exponent alone: a scale. */
    F8_E8M0(1, ScalarType.Float8_e8m0fnu, "float8_e8m0fnu");

    private final int bytes;
    private final ScalarType scalarType;
    private final String label;

    DType(int bytes, ScalarType scalarType, String label) {
        this.bytes = bytes;
        this.scalarType = scalarType;
        this.label = label;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** The same type in libtorch. */
    public ScalarType scalarType() {
        return scalarType;
    }

    /** The name that PyTorch and config.json give it, which users type and records hold. */
    public String label() {
        return label;
    }

    /** Whether weights may be of this type as they are. */
    public boolean floating() {
        return switch (this) {
            case F64, F32, F16, BF16 -> true;
            case I64, I32, I16, I8, U64, U32, U16, U8, BOOL, F8_E4M3, F8_E5M2, F8_E8M0 -> false;
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
