package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RotaryEmbeddingTests {
    /** Steps between neighbouring float32 numbers, relative to the number. */
    private static final double FLOAT_STEP = 0x1p-23;

    private static final String FULL = LayerLists.FULL;

    @TempDir
    Path folder;

    /** What transformers 4.46.3 and 5.24.0 compute, written by fixtures/rope/make_rope.py. */
    static Stream<Arguments> golden() throws IOException {
        return Stream.concat(golden("rope-4.json"), golden("rope-5.json"));
    }

    private static Stream<Arguments> golden(String file) throws IOException {
        try (var stream = RotaryEmbeddingTests.class.getResourceAsStream("/fixtures/rope/" + file)) {
            JsonNode golden = new JsonMapper().readTree(stream);
            int headDim = golden.get("head_dim").asInt();
            return golden.get("cases")
                    .valueStream()
                    .map(each -> Arguments.of("transformers %s, %s".formatted(golden.get("transformers").asString(),
                            each.get("name").asString()), headDim, each));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("golden")
    void frequenciesAndFactorAreThoseOfTransformers(String name, int headDim, JsonNode golden) throws IOException {
        RotaryEmbedding rotary = RotaryEmbedding.of(config(golden.get("config").toString()), Families.LLAMA, headDim,
                FULL);
        for (JsonNode sequence : golden.get("sequences")) {
            float[] expected = floats(sequence.get("inverse_frequencies"));
            float[] actual = rotary.inverseFrequencies(sequence.get("length").asInt());
            assertThat(actual).hasSameSizeAs(expected);
            for (int i = 0; i < actual.length; i++) {
                assertThat((double) actual[i]).as("pair %d", i).isCloseTo(expected[i], within(1e-6 * expected[i]));
            }
            assertThat(rotary.attentionFactor()).isCloseTo(sequence.get("attention_factor").asDouble(), within(1e-12));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("golden")
    void cosinesAndSinesAreThoseOfTransformers(String name, int headDim, JsonNode golden) throws IOException {
        RotaryEmbedding rotary = RotaryEmbedding.of(config(golden.get("config").toString()), Families.LLAMA, headDim,
                FULL);
        for (JsonNode sequence : golden.get("sequences")) {
            int last = sequence.get("length").asInt() - 1;
            RotaryEmbedding.Table table = rotary.table(last, last + 1);
            float[] cos = floats(sequence.get("last_cos"));
            float[] sin = floats(sequence.get("last_sin"));
            float[] frequencies = floats(sequence.get("inverse_frequencies"));
            assertThat(table.cos()).hasSameSizeAs(cos);
            assertThat(table.sin()).hasSameSizeAs(sin);
            for (int i = 0; i < cos.length; i++) {
                // Frequencies that differ by a few float32 steps turn into angles that differ as much.
                double tolerance = 2e-7 + 3 * FLOAT_STEP * last * frequencies[i];
                assertThat((double) table.cos()[i]).as("cos of pair %d", i).isCloseTo(cos[i], within(tolerance));
                assertThat((double) table.sin()[i]).as("sin of pair %d", i).isCloseTo(sin[i], within(tolerance));
            }
        }
    }

    @Test
    void aTableOfSeveralPositionsHoldsThemRowByRow() throws IOException {
        RotaryEmbedding rotary = RotaryEmbedding.of(config("{}"), Families.LLAMA, 4, FULL);
        RotaryEmbedding.Table table = rotary.table(3, 5);
        assertThat(table.cos()).containsExactly((float) Math.cos(3), (float) Math.cos(0.03f), (float) Math.cos(4),
                (float) Math.cos(0.04f));
        assertThat(table.sin()).containsExactly((float) Math.sin(3), (float) Math.sin(0.03f), (float) Math.sin(4),
                (float) Math.sin(0.04f));
    }

    @Test
    void bothStylesMayStandTogetherWhenTheyMeanTheSame() throws IOException {
        RotaryEmbedding rotary = RotaryEmbedding.of(config("""
                {"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2},
                 "rope_parameters": {"rope_type": "linear", "rope_theta": 500000.0, "factor": 2.0}}"""), Families.LLAMA,
                8, FULL);
        assertThat(rotary).isEqualTo(new RotaryEmbedding(8, 500_000, new RopeScaling.Linear(2)));
    }

    @Test
    void eachKindOfLayerMayHaveItsOwn() throws IOException {
        ConfigTree config = config("""
                {"rope_parameters": {"full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8},
                 "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}}""");
        assertThat(RotaryEmbedding.of(config, Families.LLAMA, 8, FULL))
                .isEqualTo(new RotaryEmbedding(8, 1_000_000, new RopeScaling.Linear(8)));
        assertThat(RotaryEmbedding.of(config, Families.LLAMA, 8, LayerLists.SLIDING))
                .isEqualTo(new RotaryEmbedding(8, 10_000, new RopeScaling.None()));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`',
            textBlock = """
                    {"rope_scaling": {"rope_type": "su", "factor": 2}}                                  | rope_scaling has rope_type 'su', which is not known; expected one of default, linear, dynamic, yarn, longrope, llama3, proportional
                    {"rope_scaling": {"factor": 2}}                                                     | rope_scaling has a factor but no rope_type
                    {"rope_scaling": {"rope_type": "linear", "type": "dynamic", "factor": 2}}           | rope_scaling has rope_type 'linear' and type 'dynamic'
                    {"rope_scaling": {"rope_type": "linear"}}                                           | rope_scaling.factor
                    {"rope_parameters": {"rope_type": "yarn"}, "max_position_embeddings": 64}           | rope_parameters.factor
                    {"rope_parameters": {"rope_type": "linear", "factor": 0}}                           | factor of the rotary settings must be above 0.0, but is 0.0
                    {"rope_theta": 1}                                                                   | rope_theta of the rotary settings must be above 1.0, but is 1.0
                    {"rope_theta": 10000, "rope_parameters": {"rope_theta": 500000}}                    | rope_theta is 500000.0 in rope_parameters and 10000.0 outside it
                    {"rope_parameters": {"rope_theta": 10}, "rope_scaling": {"type": "linear", "factor": 2}} | keep the one that is meant
                    {"partial_rotary_factor": 0.5}                                                      | partial_rotary_factor is 0.5, but rope type default must turn whole heads (1)
                    {"rope_parameters": {"rope_type": "proportional", "partial_rotary_factor": 1.5}}    | partial_rotary_factor must be from 0 to 1, but is 1.5
                    {"rope_parameters": {"sliding_attention": {}}}                                      | rope_parameters has sliding_attention but no full_attention
                    {"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}} | rope_scaling.original_max_position_embeddings is missing
                    {"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}} | high_freq_factor of the rotary settings must be above 4.0, but is 4.0
                    {"rope_scaling": {"type": "longrope", "short_factor": [1, 1]}, "max_position_embeddings": 64} | rope_scaling.short_factor must have 4 numbers, one for each pair of a head's 8 dimensions (head_dim, or else hidden_size / num_attention_heads), but has 2
                    {"rope_scaling": {"type": "longrope"}, "max_position_embeddings": 64}               | rope_scaling.short_factor is missing
                    """)
    void whatCannotBeMeantIsRefusedByName(String json, String message) throws IOException {
        ConfigTree config = config(json);
        assertThatThrownBy(() -> RotaryEmbedding.of(config, Families.LLAMA, 8, FULL))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(config.file() + ": ")
                .hasMessageContaining(message);
    }

    @Test
    void anOldTypeThatTransformers5WouldNotHeedIsRefused() throws IOException {
        ConfigTree config = config("""
                {"rope_scaling": {"type": "linear", "factor": 8}}""");
        assertThatThrownBy(() -> RotaryEmbedding.of(config, Families.GEMMA3, 8, FULL))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("rope_scaling has type 'linear' but no rope_type");
    }

    @Test
    void headsThatCannotBeTurnedInPairsAreRefused() throws IOException {
        ConfigTree odd = config("{}");
        assertThatThrownBy(() -> RotaryEmbedding.of(odd, Families.LLAMA, 7, FULL))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("must be even")
                .hasMessageContaining("7");
        ConfigTree dynamic = config("""
                {"max_position_embeddings": 64, "rope_scaling": {"type": "dynamic", "factor": 2}}""");
        assertThatThrownBy(() -> RotaryEmbedding.of(dynamic, Families.LLAMA, 2, FULL))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("dynamic needs a head dimension above 2");
    }

    private ConfigTree config(String json) throws IOException {
        return ConfigTree.read(Files.writeString(folder.resolve("config.json"), json));
    }

    private static float[] floats(JsonNode numbers) {
        float[] values = new float[numbers.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) numbers.get(i).asDouble();
        }
        return values;
    }
}
