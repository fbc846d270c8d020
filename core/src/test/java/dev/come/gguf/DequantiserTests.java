package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DequantiserTests {
    private static final Path GOLDEN = Path.of("src/test/resources/fixtures/gguf/quants.json");

    /** quants.json holds what the package gguf, llama.cpp's own, makes of random blocks with ordinary and extreme scales. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"F32", "Q8_K"})
    void numbersAreThoseOfTheReferenceToTheBit(GgufType type) {
        JsonNode golden = JsonMapper.shared().readTree(GOLDEN).get(type.name());
        byte[] blocks = HexFormat.of().parseHex(golden.get("blocks").asString());
        ByteBuffer expected = ByteBuffer.wrap(HexFormat.of().parseHex(golden.get("values").asString()))
                .order(ByteOrder.LITTLE_ENDIAN);
        float[] numbers = numbers(type, blocks);
        assertThat(expected.remaining()).isEqualTo(4 * numbers.length);
        for (int i = 0; i < numbers.length; i++) {
            assertThat(Float.floatToIntBits(numbers[i])).as("%s number %d", type, i)
                    .isEqualTo(Float.floatToIntBits(expected.getFloat()));
        }
    }

    /** Any bytes whatever, infinite scales included, against a twin that looks up each number by itself. */
    @ParameterizedTest
    @EnumSource
    void numbersAreThoseOfTheSlowTwin(GgufType type) {
        long seed = System.nanoTime();
        System.out.println("DequantiserTests: seed " + seed);
        byte[] blocks = new byte[type.blockBytes() * 500];
        new Random(seed).nextBytes(blocks);
        float[] numbers = numbers(type, blocks);
        for (int i = 0; i < numbers.length; i++) {
            int block = i / type.blockLength();
            Block twin = new Block(blocks, block * type.blockBytes());
            assertThat(Float.floatToIntBits(numbers[i])).as("%s block %d number %d", type, block, i)
                    .isEqualTo(Float.floatToIntBits(twin.number(type, i % type.blockLength())));
        }
    }

    @Test
    void handMadeBlocks() {
        // Scale 0.5 = 0x3800, minimum -1 = 0xbc00; low halves come first.
        byte[] q4 = HexFormat.of().parseHex("003800bc" + "f0" + "21".repeat(15));
        float[] numbers = numbers(GgufType.Q4_1, q4);
        assertThat(numbers[0]).isEqualTo(-1);
        assertThat(numbers[16]).isEqualTo(6.5f);
        assertThat(numbers[1]).isEqualTo(-0.5f);
        assertThat(numbers[17]).isZero();
        // Scale 2 = 0x4000; -128 and 127 are the ends.
        assertThat(numbers(GgufType.Q8_0, HexFormat.of().parseHex("0040" + "80" + "7f".repeat(31))))
                .startsWith(-256, 254, 254);
        // Scale 1 = 0x3c00; the first fifth bit is set, and so is the last.
        float[] five = numbers(GgufType.Q5_0, HexFormat.of().parseHex("003c" + "01000080" + "00".repeat(16)));
        assertThat(five).startsWith(0, -16).endsWith(-16, 0);
        // Q8_K, which the package does not read: scale 0.375 in float32; the sums behind the numbers are not read.
        float[] eight = numbers(GgufType.Q8_K, HexFormat.of().parseHex("0000c03e" + "80" + "01".repeat(255)
                + "ff".repeat(32)));
        assertThat(eight).startsWith(-48, 0.375f).endsWith(0.375f).hasSize(256);
        // 1 = 2^(127 - 127), and the float 0111 of four bits is 6.
        assertThat(numbers(GgufType.MXFP4, HexFormat.of().parseHex("7f" + "f7".repeat(16)))).startsWith(6, 6)
                .endsWith(-6, -6);
    }

    private static float[] numbers(GgufType type, byte[] blocks) {
        float[] numbers = new float[blocks.length / type.blockBytes() * type.blockLength()];
        Dequantiser.dequantise(type, blocks, numbers, numbers.length);
        return numbers;
    }

    /**
     * One block, read number by number. The places of bits are those of ggml-common.h and of the comments there; that of the
     * packed scales is get_scale_min_k4 and, for Q3_K, the unpacking in dequantize_row_q3_K.
     */
    private record Block(byte[] bytes, int start) {
        private static final int[] UNEVEN = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

        float number(GgufType type, int i) {
            return switch (type) {
                case F32 -> Float.intBitsToFloat((int) (word(0) | (long) word(2) << 16));
                case F16 -> half(0);
                case BF16 -> Float.intBitsToFloat(word(0) << 16);
                case Q4_0 -> half(0) * (bits(2 + i % 16, i / 16 * 4, 4) - 8);
                case Q4_1 -> half(0) * bits(4 + i % 16, i / 16 * 4, 4) + half(2);
                case Q5_0 -> half(0) * (bits(6 + i % 16, i / 16 * 4, 4) + 16 * bits(2 + i / 8, i % 8, 1) - 16);
                case Q5_1 -> half(0) * (bits(8 + i % 16, i / 16 * 4, 4) + 16 * bits(4 + i / 8, i % 8, 1)) + half(2);
                case Q8_0 -> half(0) * bytes[start + 2 + i];
                case Q2_K -> half(80) * bits(i / 16, 0, 4) * two(16, i) - half(82) * bits(i / 16, 4, 4);
                case Q3_K -> half(108) * (scaleOfThree(i / 16) - 32)
                        * (two(32, i) + 4 * bits(i % 32, i / 32, 1) - 4);
                case Q4_K -> half(0) * scale(i / 32) * four(16, i) - half(2) * minimum(i / 32);
                case Q5_K -> half(0) * scale(i / 32) * (four(48, i) + 16 * bits(16 + i % 32, i / 32, 1))
                        - half(2) * minimum(i / 32);
                case Q6_K -> half(208) * bytes[start + 192 + i / 16] * (bits(i / 128 * 64 + i % 64, i / 64 % 2 * 4, 4)
                        + 16 * two(128, i) - 32);
                case Q8_K -> Float.intBitsToFloat(word(0) | word(2) << 16) * bytes[start + 4 + i];
                case IQ4_NL -> half(0) * UNEVEN[bits(2 + i % 16, i / 16 * 4, 4)];
                case IQ4_XS ->
                    half(0) * (bits(4 + i / 64, i / 32 % 2 * 4, 4) + 16 * bits(2 + i / 128, i / 32 % 4 * 2, 2)
                            - 32) * UNEVEN[bits(8 + i / 32 * 16 + i % 16, i / 16 % 2 * 4, 4)];
                case TQ1_0 -> half(52) * (i < 160
                        ? digit(i % 32, i / 32)
                        : i < 240 ? digit(32 + i % 16, (i - 160) / 16) : digit(48 + i % 4, (i - 240) / 4));
                case TQ2_0 -> half(64) * (two(0, i) - 1);
                case MXFP4 -> (float) (Math.pow(2, bits(0, 0, 8) - 127.0) * float4(bits(1 + i % 16, i / 16 * 4, 4)));
                case NVFP4 -> (float) (float8(bits(i / 16, 0, 8))
                        * float4(bits(4 + i / 16 * 8 + i % 8, i / 8 % 2 * 4, 4)));
            };
        }

        /** A float of four bits: sign, two of exponent, one of fraction. */
        private static double float4(int bits) {
            int exponent = bits >> 1 & 3;
            double size = exponent == 0 ? 0.5 * (bits & 1) : Math.pow(2, exponent - 1) * (1 + 0.5 * (bits & 1));
            return size == 0 ? 0 : bits < 8 ? size : -size;
        }

        /** A float of eight bits: four of exponent, three of fraction; the sign is not looked at. */
        private static double float8(int bits) {
            int exponent = bits >> 3 & 15;
            return bits == 0x7f
                    ? 0
                    : exponent == 0 ? (bits & 7) / 512.0 : Math.pow(2, exponent - 7) * (1 + (bits & 7) / 8.0);
        }

        /** A digit of a byte in base three, less one: the byte is a fraction of 256. */
        private int digit(int at, int place) {
            int rest = bits(at, 0, 8);
            for (int i = 0; i < place; i++) {
                rest = rest * 3 % 256;
            }
            return rest * 3 / 256 - 1;
        }

        /** Two-bit numbers: 32 bytes hold 128 of them, the bits of the first 32 are the lowest. */
        private int two(int from, int i) {
            return bits(from + i / 128 * 32 + i % 32, i / 32 % 4 * 2, 2);
        }

        /** Four-bit numbers: 32 bytes hold 64 of them, low halves first. */
        private int four(int from, int i) {
            return bits(from + i / 64 * 32 + i % 32, i / 32 % 2 * 4, 4);
        }

        private int scale(int group) {
            return group < 4 ? bits(4 + group, 0, 6) : bits(8 + group, 0, 4) + 16 * bits(group, 6, 2);
        }

        private int minimum(int group) {
            return group < 4 ? bits(8 + group, 0, 6) : bits(8 + group, 4, 4) + 16 * bits(4 + group, 6, 2);
        }

        private int scaleOfThree(int group) {
            return bits(96 + group % 8, group / 8 * 4, 4) + 16 * bits(104 + group % 4, group / 4 * 2, 2);
        }

        private int bits(int at, int shift, int count) {
            return (bytes[start + at] & 0xff) >> shift & ((1 << count) - 1);
        }

        private int word(int at) {
            return bits(at, 0, 8) + 256 * bits(at + 1, 0, 8);
        }

        private float half(int at) {
            return Float.float16ToFloat((short) word(at));
        }
    }
}
