package dev.come.gguf;

/**
 * Blocks whose numbers are looked up in a table, or are -1, 0 and 1, back into numbers. What {@link Dequantiser} says of
 * arithmetic, layouts and loops holds here too.
 */
final class TableDequantiser {
    /** The numbers of IQ4_NL and IQ4_XS, which lie closer to each other around zero. */
    private static final byte[] UNEVEN = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    /** The numbers of a float of four bits (E2M1), each doubled. */
    private static final byte[] FLOAT4 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    /** Powers of three modulo 256: what brings one of five digits to the front. */
    private static final int[] POWERS = {1, 3, 9, 27, 81};
    private static final int ZERO_SCALE = 0x7f;

    private TableDequantiser() {
    }

    /** Scale, 16 bytes: the low halves are numbers 0 to 15, the high halves 16 to 31. */
    static void iq4nl(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 18, to += 32) {
            pairs(in, at + 2, 16, UNEVEN, Dequantiser.half(in, at), out, to);
        }
    }

    /**
     * Reads blocks of IQ4_XS. Each has the scale of the scales, two bytes with the upper two bits of eight six-bit scales
     * less 32, four bytes with their lower four (low halves first), and eight times 16 bytes as IQ4_NL has them.
     */
    static void iq4xs(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 136, to += 256) {
            float scales = Dequantiser.half(in, at);
            int upper = (in[at + 2] & 0xff) | (in[at + 3] & 0xff) << 8;
            for (int group = 0; group < 8; group++) {
                int lower = (in[at + 4 + group / 2] >> (group % 2 * 4)) & 15;
                float scale = scales * ((lower | ((upper >> (2 * group)) & 3) << 4) - 32);
                pairs(in, at + 8 + 16 * group, 16, UNEVEN, scale, out, to + 32 * group);
            }
        }
    }

    /** An exponent of two as a byte, and 16 bytes as IQ4_NL has them. */
    static void mxfp4(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 17, to += 32) {
            pairs(in, at + 1, 16, FLOAT4, halfPower(in[at] & 0xff), out, to);
        }
    }

    /** Four scales, each a float of eight bits without a sign, and for each eight bytes with 16 numbers. */
    static void nvfp4(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 36, to += 64) {
            for (int group = 0; group < 4; group++) {
                pairs(in, at + 4 + 8 * group, 8, FLOAT4, halfFloat8(in[at + group] & 0xff), out, to + 16 * group);
            }
        }
    }

    /**
     * Reads blocks of TQ1_0. A byte holds five digits of base three as a fraction of 256, the first one in front; less one
     * they are -1, 0 and 1. There are 32 bytes for 5 times 32 numbers, 16 for 5 times 16, 4 for 4 times 4, and the scale.
     */
    static void tq1(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 54, to += 256) {
            float scale = Dequantiser.half(in, at + 52);
            digits(in, at, 32, 5, scale, out, to);
            digits(in, at + 32, 16, 5, scale, out, to + 160);
            digits(in, at + 48, 4, 4, scale, out, to + 240);
        }
    }

    private static void digits(byte[] in, int from, int bytes, int count, float scale, float[] out, int to) {
        for (int digit = 0; digit < count; digit++) {
            int power = POWERS[digit];
            for (int i = 0; i < bytes; i++) {
                int front = (in[from + i] & 0xff) * power & 0xff;
                out[to + digit * bytes + i] = scale * (((front * 3) >> 8) - 1);
            }
        }
    }

    /** 64 bytes and the scale; of each 32 bytes the lowest two bits are 32 numbers, then the next two, all less one. */
    static void tq2(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 66, to += 256) {
            float scale = Dequantiser.half(in, at + 64);
            for (int group = 0; group < 8; group++) {
                int from = at + group / 4 * 32;
                int shift = group % 4 * 2;
                for (int i = 0; i < 32; i++) {
                    out[to + 32 * group + i] = scale * ((in[from + i] >> shift & 3) - 1);
                }
            }
        }
    }

    /** The low halves of some bytes are numbers of a table, then the high halves. */
    private static void pairs(byte[] in, int from, int bytes, byte[] table, float scale, float[] out, int to) {
        for (int i = 0; i < bytes; i++) {
            int pair = in[from + i] & 0xff;
            out[to + i] = scale * table[pair & 15];
            out[to + bytes + i] = scale * table[pair >> 4];
        }
    }

    /** Half of two to the power of {@code exponent - 127}; the table is doubled. */
    private static float halfPower(int exponent) {
        return Float.intBitsToFloat(exponent < 2 ? 0x0020_0000 << exponent : (exponent - 1) << 23);
    }

    /** Half of a float of four bits of exponent and three of fraction; what would be no number is zero. */
    private static float halfFloat8(int bits) {
        if (bits == ZERO_SCALE) {
            return 0;
        }
        int exponent = bits >> 3 & 15;
        int fraction = bits & 7;
        return exponent == 0 ? fraction * 0x1p-10f : Math.scalb(1 + fraction / 8f, exponent - 8);
    }
}
