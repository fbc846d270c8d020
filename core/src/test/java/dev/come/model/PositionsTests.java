package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.checkpoint.ConfigTree;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Settings of models that people run; the numbers of positions are those that vLLM takes from them. */
class PositionsTests {
    private static Positions positions(String type, int most, Consumer<ObjectNode> more) {
        return ModelConfig.of(ConfigTree.create(Path.of("config.json"), root -> {
            root.put("model_type", type).put("vocab_size", 8).put("hidden_size", 8).put("intermediate_size", 8)
                    .put("num_hidden_layers", 2).put("num_attention_heads", 1).put("head_dim", 8)
                    .put("max_position_embeddings", most);
            more.accept(root);
        })).positions();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            textBlock = """
                    Llama 2               | 4096   | {"rope_type": "default"}                                                                    | 4096
                    linear                | 4096   | {"type": "linear", "factor": 4.0}                                                           | 16384
                    dynamic               | 4096   | {"type": "dynamic", "factor": 2.0}                                                          | 8192
                    Qwen2.5 with yarn     | 32768  | {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}                  | 131072
                    Qwen3 with yarn       | 40960  | {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}             | 131072
                    yarn, scaled already  | 131072 | {"rope_type": "yarn", "factor": 32.0, "original_max_position_embeddings": 4096}             | 131072
                    yarn without a length | 4096   | {"rope_type": "yarn", "factor": 2.5}                                                        | 10240
                    Llama 3.1             | 131072 | {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192} | 131072
                    llama3, not raised    | 8192   | {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192} | 65536
                    Phi-3                 | 131072 | {"type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [2, 2, 2, 2], "original_max_position_embeddings": 4096} | 131072
                    """)
    void positionsReachAsFarAsTheScaling(String model, int most, String scaling, int expected) {
        Positions positions = positions("llama", most,
                root -> root.set("rope_scaling", JsonMapper.shared().readTree(scaling)));
        assertThat(positions).as(model).isEqualTo(new Positions(expected, false));
    }

    /** Its layers that see everything are scaled and those that slide are not; max_position_embeddings holds for both. */
    @Test
    void wherePartOfTheLayersIsScaledTheOthersLimitTheText() {
        assertThat(positions("gemma3_text", 131072,
                root -> root.put("num_key_value_heads", 1).put("sliding_window", 512).put("sliding_window_pattern", 2)
                        .put("rope_local_base_freq", 1e4)
                        .put("query_pre_attn_scalar", 8).put("rope_theta", 1e6)
                        .putObject("rope_scaling").put("rope_type", "linear").put("factor", 8.0))
                .count())
                .isEqualTo(131072);
    }

    @Test
    void learnedPositionsEndWhereTheirWeightsEnd() {
        assertThat(positions("opt", 64, root -> root.put("ffn_dim", 8).put("word_embed_proj_dim", 8)
                .put("activation_function", "relu"))).isEqualTo(new Positions(64, true));
    }

    @Test
    void twoModelsHaveThePositionsThatBothHave() {
        assertThat(new Positions(64, false).and(new Positions(32, true))).isEqualTo(new Positions(32, true));
    }
}
