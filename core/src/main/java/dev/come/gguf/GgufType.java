package dev.come.gguf;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/** The storage of a tensor in a GGUF file. Each block holds a fixed number of numbers in a fixed number of bytes. */
public enum GgufType {
    F32(0, 1, 4), F16(1, 1, 2), BF16(30, 1, 2), Q4_0(2, 32, 18), Q4_1(3, 32, 20), Q5_0(6, 32, 22), Q5_1(7, 32,
            24), Q8_0(8,
                    32, 34), Q2_K(10, 256, 84), Q3_K(11, 256,
                            110), Q4_K(12, 256, 144), Q5_K(13, 256, 176), Q6_K(14, 256, 210), Q8_K(15, 256,
                                    292), IQ4_NL(20, 32, 18), IQ4_XS(23, 256,
                                            136), TQ1_0(34, 256,
                                                    54), TQ2_0(35, 256, 66), MXFP4(39, 32, 17), NVFP4(40, 64, 36);

    /** Types that ggml has and that are not read, so that a message can call them by name. */
    private static final Map<Integer, String> OTHERS = Map.ofEntries(Map.entry(9, "Q8_1"),
            Map.entry(16, "IQ2_XXS"), Map.entry(17, "IQ2_XS"), Map.entry(18, "IQ3_XXS"), Map.entry(19, "IQ1_S"),
            Map.entry(21, "IQ3_S"), Map.entry(22, "IQ2_S"),
            Map.entry(24, "I8"), Map.entry(25, "I16"), Map.entry(26, "I32"), Map.entry(27, "I64"),
            Map.entry(28, "F64"), Map.entry(29, "IQ1_M"), Map.entry(41, "Q1_0"));

    /** What is written, each with the number that stands for such a file. */
    private static final Map<GgufType, Integer> WRITTEN = Map.of(F32, 0, F16, 1, BF16, 32, Q4_0, 2, Q4_1, 3, Q5_0, 8,
            Q5_1, 9,
            Q8_0, 7);

    private final int id;
    private final int blockLength;
    private final int blockBytes;

    GgufType(int id, int blockLength, int blockBytes) {
        this.id = id;
        this.blockLength = blockLength;
        this.blockBytes = blockBytes;
    }

    /** The number that stands for this type in a file. */
    int id() {
        return id;
    }

    /** Numbers in a block. */
    public int blockLength() {
        return blockLength;
    }

    /** Bytes of a block. */
    int blockBytes() {
        return blockBytes;
    }

    /** Whether {@link Quantiser} makes it. */
    public boolean isWritten() {
        return WRITTEN.containsKey(this);
    }

    /** The number of a file most of whose matrices are of this type ({@code general.file_type}), if it is written. */
    public int fileType() {
        return Objects.requireNonNull(WRITTEN.get(this));
    }

    /** Whether numbers are stored one by one and not in blocks that share a scale. */
    boolean plain() {
        return blockLength == 1;
    }

    /** The bytes of {@code numbers} numbers, which must fill whole blocks. */
    public long bytes(long numbers) {
        return Math.multiplyExact(numbers / blockLength, blockBytes);
    }

    static Optional<GgufType> of(int id) {
        return Arrays.stream(values()).filter(type -> type.id == id).findFirst();
    }

    /** What ggml calls the type of that number. */
    static String nameOf(int id) {
        return of(id).map(GgufType::name).orElseGet(() -> OTHERS.getOrDefault(id, "of the unknown type " + id));
    }

    /** The types that are read. */
    static String known() {
        return Arrays.stream(values()).map(GgufType::name).collect(Collectors.joining(", "));
    }
}
