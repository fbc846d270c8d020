package dev.come.gguf;

/**
 * Blocks of quantised numbers back into numbers. Everything is float32 arithmetic in the order in which ggml does it
 * (dequantize_row_* in https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c), so that the results are the same
 * to the bit. The layouts are those of the structs {@code block_*} in ggml-common.h there; all is little-endian, and
 * scales are half-precision floats.
 *
 * <p>The loops have no branches and no calls inside, so that the compiler can make vector instructions of them.
 */
final class Dequantiser {
    private Dequantiser() {
    }

    /**
     * Turns whole blocks into numbers.
     *
     * @param blocks begins with the blocks
     * @param numbers takes {@code count} numbers from its start on
     * @param count a multiple of the block's length
     */
    static void dequantise(GgufType type, byte[] blocks, float[] numbers, int count) {
        int n = count / type.blockLength();
        switch (type) {
            case F32 -> f32(blocks, numbers, n);
            case F16 -> f16(blocks, numbers, n);
            case BF16 -> bf16(blocks, numbers, n);
            case Q4_0 -> q4(blocks, numbers, n);
            case Q4_1 -> q4WithMinimum(blocks, numbers, n);
            case Q5_0 -> q5(blocks, numbers, n);
            case Q5_1 -> q5WithMinimum(blocks, numbers, n);
            case Q8_0 -> q8(blocks, numbers, n);
            case Q2_K -> q2k(blocks, numbers, n);
            case Q3_K -> q3k(blocks, numbers, n);
            case Q4_K -> q4k(blocks, numbers, n);
            case Q5_K -> q5k(blocks, numbers, n);
            case Q6_K -> q6k(blocks, numbers, n);
            case Q8_K -> q8k(blocks, numbers, n);
            case IQ4_NL -> TableDequantiser.iq4nl(blocks, numbers, n);
            case IQ4_XS -> TableDequantiser.iq4xs(blocks, numbers, n);
            case TQ1_0 -> TableDequantiser.tq1(blocks, numbers, n);
            case TQ2_0 -> TableDequantiser.tq2(blocks, numbers, n);
            case MXFP4 -> TableDequantiser.mxfp4(blocks, numbers, n);
            case NVFP4 -> TableDequantiser.nvfp4(blocks, numbers, n);
        }
    }

    private static void f32(byte[] in, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Float.intBitsToFloat(int32(in, 4 * i));
        }
    }

    private static void f16(byte[] in, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = half(in, 2 * i);
        }
    }

    private static void bf16(byte[] in, float[] out, int n) {
        for (int i = 0; i < n; i++) {
            out[i] = Float.intBitsToFloat((in[2 * i] & 0xff) << 16 | in[2 * i + 1] << 24);
        }
    }

    /** Scale, 16 bytes: the low halves are numbers 0 to 15, the high halves 16 to 31, both less 8. */
    private static void q4(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 18, to += 32) {
            float scale = half(in, at);
            for (int i = 0; i < 16; i++) {
                int pair = in[at + 2 + i] & 0xff;
                out[to + i] = ((pair & 15) - 8) * scale;
                out[to + 16 + i] = ((pair >> 4) - 8) * scale;
            }
        }
    }

    /** Scale, minimum, 16 bytes as before, nothing taken off. */
    private static void q4WithMinimum(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 20, to += 32) {
            float scale = half(in, at);
            float minimum = half(in, at + 2);
            for (int i = 0; i < 16; i++) {
                int pair = in[at + 4 + i] & 0xff;
                out[to + i] = (pair & 15) * scale + minimum;
                out[to + 16 + i] = (pair >> 4) * scale + minimum;
            }
        }
    }

    /** Scale, 32 fifth bits, 16 bytes of the lower four as before; 16 is taken off. */
    private static void q5(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 22, to += 32) {
            float scale = half(in, at);
            int high = int32(in, at + 2);
            for (int i = 0; i < 16; i++) {
                int pair = in[at + 6 + i] & 0xff;
                out[to + i] = (((pair & 15) | (high >>> i & 1) << 4) - 16) * scale;
                out[to + 16 + i] = ((pair >> 4 | (high >>> (16 + i) & 1) << 4) - 16) * scale;
            }
        }
    }

    /** Scale, minimum, fifth bits and lower four as before, nothing taken off. */
    private static void q5WithMinimum(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 24, to += 32) {
            float scale = half(in, at);
            float minimum = half(in, at + 2);
            int high = int32(in, at + 4);
            for (int i = 0; i < 16; i++) {
                int pair = in[at + 8 + i] & 0xff;
                out[to + i] = ((pair & 15) | (high >>> i & 1) << 4) * scale + minimum;
                out[to + 16 + i] = (pair >> 4 | (high >>> (16 + i) & 1) << 4) * scale + minimum;
            }
        }
    }

    /** Scale, 32 signed bytes. */
    private static void q8(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 34, to += 32) {
            float scale = half(in, at);
            for (int i = 0; i < 32; i++) {
                out[to + i] = in[at + 2 + i] * scale;
            }
        }
    }

    /**
     * Reads blocks of Q2_K. Each has 16 bytes for the 16 groups of 16 numbers (low half: scale, high half: minimum), 64
     * bytes of two-bit numbers, then the scale of the scales and that of the minima. Of each 32 bytes the lowest two
     * bits are 32 numbers, then the next two.
     */
    private static void q2k(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 84, to += 256) {
            float scales = half(in, at + 80);
            float minima = half(in, at + 82);
            for (int group = 0; group < 16; group++) {
                int both = in[at + group] & 0xff;
                float scale = scales * (both & 15);
                float minimum = minima * (both >> 4);
                int from = at + 16 + group / 8 * 32 + group % 2 * 16;
                int shift = group / 2 % 4 * 2;
                for (int i = 0; i < 16; i++) {
                    out[to + 16 * group + i] = scale * (in[from + i] >> shift & 3) - minimum;
                }
            }
        }
    }

    /**
     * Reads blocks of Q3_K. Each has 32 bytes of third bits (bit b of byte i belongs to number 32 b + i, and if it is
     * not set, 4 is taken off), 64 bytes of the lower two bits as in Q2_K, 12 bytes of 16 six-bit scales less 32, and
     * the scale of the scales. Of a six-bit scale the lower four bits lie in the first 8 bytes (low halves first), the
     * upper two in the last 4.
     */
    private static void q3k(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 110, to += 256) {
            float scales = half(in, at + 108);
            for (int group = 0; group < 16; group++) {
                int low = in[at + 96 + group % 8] >> (group / 8 * 4) & 15;
                int high = in[at + 104 + group % 4] >> (group / 4 * 2) & 3;
                float scale = scales * ((low | high << 4) - 32);
                int from = at + 32 + group / 8 * 32 + group % 2 * 16;
                int mask = at + group % 2 * 16;
                int shift = group / 2 % 4 * 2;
                int bit = group / 2;
                for (int i = 0; i < 16; i++) {
                    int number = (in[from + i] >> shift & 3) | (in[mask + i] >> bit & 1) << 2;
                    out[to + 16 * group + i] = scale * (number - 4);
                }
            }
        }
    }

    /**
     * Reads blocks of Q4_K. Each has the scale of the scales, that of the minima, 12 bytes of eight six-bit scales and
     * minima, and 128 bytes of four-bit numbers. Of each 32 bytes the low halves are 32 numbers, then the high halves.
     */
    private static void q4k(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 144, to += 256) {
            float scales = half(in, at);
            float minima = half(in, at + 2);
            for (int group = 0; group < 8; group++) {
                float scale = scales * sixBitScale(in, at + 4, group);
                float minimum = minima * sixBitMinimum(in, at + 4, group);
                int from = at + 16 + group / 2 * 32;
                int shift = group % 2 * 4;
                for (int i = 0; i < 32; i++) {
                    out[to + 32 * group + i] = scale * (in[from + i] >> shift & 15) - minimum;
                }
            }
        }
    }

    /** As Q4_K, with 32 bytes of fifth bits before the 128 (bit b of byte i belongs to number 32 b + i). */
    private static void q5k(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 176, to += 256) {
            float scales = half(in, at);
            float minima = half(in, at + 2);
            for (int group = 0; group < 8; group++) {
                float scale = scales * sixBitScale(in, at + 4, group);
                float minimum = minima * sixBitMinimum(in, at + 4, group);
                int high = at + 16;
                int from = at + 48 + group / 2 * 32;
                int shift = group % 2 * 4;
                for (int i = 0; i < 32; i++) {
                    int number = (in[from + i] >> shift & 15) | (in[high + i] >> group & 1) << 4;
                    out[to + 32 * group + i] = scale * number - minimum;
                }
            }
        }
    }

    /**
     * Reads blocks of Q6_K. Each has 128 bytes of the lower four bits, 64 bytes of the upper two, 16 signed bytes of
     * scales, and the scale of the scales; 32 is taken off. Of each 64 bytes the low halves are 64 numbers, then the
     * high halves; of each 32 bytes the lowest two bits are 32 numbers, then the next two.
     */
    private static void q6k(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 210, to += 256) {
            float scales = half(in, at + 208);
            for (int group = 0; group < 16; group++) {
                float scale = scales * in[at + 192 + group];
                int inHalf = group % 8;
                int low = at + group / 8 * 64 + inHalf % 4 * 16;
                int lowShift = inHalf / 4 * 4;
                int high = at + 128 + group / 8 * 32 + group % 2 * 16;
                int highShift = inHalf / 2 * 2;
                for (int i = 0; i < 16; i++) {
                    int number = (in[low + i] >> lowShift & 15) | (in[high + i] >> highShift & 3) << 4;
                    out[to + 16 * group + i] = scale * (number - 32);
                }
            }
        }
    }

    /** Reads blocks of Q8_K: a scale that is float32 here, 256 signed bytes, and sums of these that are not needed. */
    private static void q8k(byte[] in, float[] out, int n) {
        for (int block = 0, at = 0, to = 0; block < n; block++, at += 292, to += 256) {
            float scale = Float.intBitsToFloat(int32(in, at));
            for (int i = 0; i < 256; i++) {
                out[to + i] = in[at + 4 + i] * scale;
            }
        }
    }

    /** Scale {@code group} of eight: the first four in bytes 0 to 3, the others in low halves and spare upper bits. */
    private static int sixBitScale(byte[] in, int at, int group) {
        return group < 4
                ? in[at + group] & 63
                : (in[at + group + 4] & 15) | (in[at + group - 4] >> 6 & 3) << 4;
    }

    /** Minimum {@code group} of eight: the first four in bytes 4 to 7, the others in high halves and spare upper bits. */
    private static int sixBitMinimum(byte[] in, int at, int group) {
        return group < 4
                ? in[at + group + 4] & 63
                : (in[at + group + 4] >> 4 & 15) | (in[at + group] >> 6 & 3) << 4;
    }

    static float half(byte[] in, int at) {
        return Float.float16ToFloat((short) ((in[at] & 0xff) | in[at + 1] << 8));
    }

    static int int32(byte[] in, int at) {
        return (in[at] & 0xff) | (in[at + 1] & 0xff) << 8 | (in[at + 2] & 0xff) << 16 | in[at + 3] << 24;
    }
}
