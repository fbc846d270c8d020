package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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

class QuantiserTests {
    private static final Path GOLDEN = Path.of("src/test/resources/fixtures/gguf/quantised.json");

    /** quantised.json holds what the package gguf, llama.cpp's own, makes of blocks: ordinary, zero, tiny, large, all alike. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"})
    void blocksAreThoseOfTheReferenceToTheBit(GgufType type) {
        JsonNode golden = JsonMapper.shared().readTree(GOLDEN);
        byte[] numbers = HexFormat.of().parseHex(golden.get("numbers").asString());
        float[] values = new float[numbers.length / Float.BYTES];
        ByteBuffer.wrap(numbers).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        assertThat(HexFormat.of().formatHex(quantised(type, values)))
                .isEqualTo(golden.get("blocks").get(type.name()).asString());
    }

    /** A number and what comes back of it lie less than a step apart, in every type. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"})
    void whatComesBackIsNear(GgufType type) {
        Random random = new Random(3);
        float[] values = new float[32 * 50];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        float[] back = new float[values.length];
        Dequantiser.dequantise(type, quantised(type, values), back, back.length);
        float step = switch (type) {
            case F32 -> 0;
            case F16, BF16 -> 0.02f;
            case Q8_0 -> 0.03f;
            default -> 0.6f;
        };
        for (int i = 0; i < values.length; i++) {
            assertThat(back[i]).isBetween(values[i] - step, values[i] + step);
        }
        assertThat(quantised(type, back)).as("numbers that can be stored stay as they are").hasSize(
                (int) type.bytes(values.length));
    }

    @Test
    void typesThatNeedASearchAreNotWritten() {
        assertThat(GgufType.Q4_K.isWritten()).isFalse();
        assertThatThrownBy(() -> quantised(GgufType.Q4_K, new float[256])).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Q4_K cannot be written");
    }

    private static byte[] quantised(GgufType type, float[] values) {
        byte[] blocks = new byte[(int) type.bytes(values.length)];
        Quantiser.quantise(type, values, 0, values.length, blocks, 0);
        return blocks;
    }
}
