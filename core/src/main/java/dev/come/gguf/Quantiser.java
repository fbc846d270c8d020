package dev.come.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Turns numbers into the blocks of a GGUF file: the way back of {@link Dequantiser}, for the types that need no search. The
 * blocks are those of ggml's reference to the bit.
 */
public final class Quantiser {
    private static final int FOUR_BITS = 15;
    private static final int FIVE_BITS = 31;

    private final GgufType type;
    private final ByteBuffer blocks;

    private Quantiser(GgufType type, byte[] blocks, int at) {
        this.type = type;
        this.blocks = ByteBuffer.wrap(blocks).order(ByteOrder.LITTLE_ENDIAN).position(at);
    }

    /**
     * Quantises numbers.
     *
     * @param numbers whole blocks of the type, finite
     * @param from the first of them
     * @param count how many
     * @param blocks is filled from {@code at} on
     * @throws IllegalArgumentException if the type cannot be written; {@link GgufType#isWritten()} tells
     */
    public static void quantise(GgufType type, float[] numbers, int from, int count, byte[] blocks, int at) {
        Quantiser quantiser = new Quantiser(type, blocks, at);
        for (int block = from; block < from + count; block += type.blockLength()) {
            quantiser.put(numbers, block);
        }
    }

    private void put(float[] numbers, int from) {
        switch (type) {
            case F32 -> blocks.putFloat(numbers[from]);
            case F16 -> blocks.putShort(Float.floatToFloat16(numbers[from]));
            case BF16 -> blocks.putShort(bfloat16(numbers[from]));
            case Q8_0 -> eightBits(numbers, from);
            case Q4_0 -> symmetric(numbers, from, FOUR_BITS);
            case Q5_0 -> symmetric(numbers, from, FIVE_BITS);
            case Q4_1 -> ranged(numbers, from, FOUR_BITS);
            case Q5_1 -> ranged(numbers, from, FIVE_BITS);
            case Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K, IQ4_NL, IQ4_XS, MXFP4, NVFP4, TQ1_0, TQ2_0 ->
                throw new IllegalArgumentException(type + " cannot be written");
        }
    }

    /** The nearest bfloat16, the even one of two; what is not a number stays so. */
    static short bfloat16(float number) {
        int bits = Float.floatToRawIntBits(number);
        return Float.isNaN(number)
                ? (short) ((bits >>> 16) | 0x40)
                : (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    /** One scale, so that the number that is farthest from zero is 127. */
    private void eightBits(float[] numbers, int from) {
        float largest = 0;
        for (int i = 0; i < type.blockLength(); i++) {
            largest = Math.max(largest, Math.abs(numbers[from + i]));
        }
        float scale = largest / Byte.MAX_VALUE;
        float inverse = scale == 0 ? 0 : 1 / scale;
        blocks.putShort(Float.floatToFloat16(scale));
        for (int i = 0; i < type.blockLength(); i++) {
            blocks.put((byte) awayFromZero(numbers[from + i] * inverse));
        }
    }

    /** C's roundf: halves go away from zero. */
    private static int awayFromZero(float number) {
        int whole = (int) number;
        return whole + (int) (2 * (number - whole));
    }

    /** One scale, so that the number that is farthest from zero gets the lowest level. */
    private void symmetric(float[] numbers, int from, int levels) {
        float largest = 0;
        float farthest = 0;
        for (int i = 0; i < type.blockLength(); i++) {
            if (Math.abs(numbers[from + i]) > largest) {
                largest = Math.abs(numbers[from + i]);
                farthest = numbers[from + i];
            }
        }
        int middle = (levels + 1) / 2;
        float scale = farthest / -middle;
        blocks.putShort(Float.floatToFloat16(scale));
        levels(numbers, from, 0, scale == 0 ? 0 : 1 / scale, middle + 0.5f, levels);
    }

    /** A scale and a least number, so that the levels reach from the least to the greatest. */
    private void ranged(float[] numbers, int from, int levels) {
        float least = Float.MAX_VALUE;
        float greatest = -Float.MAX_VALUE;
        for (int i = 0; i < type.blockLength(); i++) {
            least = Math.min(least, numbers[from + i]);
            greatest = Math.max(greatest, numbers[from + i]);
        }
        float scale = (greatest - least) / levels;
        blocks.putShort(Float.floatToFloat16(scale)).putShort(Float.floatToFloat16(least));
        levels(numbers, from, least, scale == 0 ? 0 : 1 / scale, 0.5f, levels);
    }

    /**
     * Writes the levels: their fifth bits together first, if they have any, then four bits each, a number of the first half and
     * one of the second in each byte.
     */
    private void levels(float[] numbers, int from, float least, float inverse, float shift, int most) {
        int half = type.blockLength() / 2;
        int fifth = 0;
        byte[] pairs = new byte[half];
        for (int i = 0; i < half; i++) {
            int low = Math.min(most, (int) ((numbers[from + i] - least) * inverse + shift));
            int high = Math.min(most, (int) ((numbers[from + half + i] - least) * inverse + shift));
            pairs[i] = (byte) ((low & FOUR_BITS) | ((high & FOUR_BITS) << 4));
            fifth |= ((low >>> 4) << i) | ((high >>> 4) << (i + half));
        }
        if (most == FIVE_BITS) {
            blocks.putInt(fifth);
        }
        blocks.put(pairs);
    }
}
