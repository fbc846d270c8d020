package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayerConfigEditTests {
    @Test
    void keepsTheTypesOfTheOriginalLayersThatAreLeft() {
        // qwen3: layers 1 and 3 of 6 slide, max_window_layers 28 (golden/README.md)
        ConfigTree config = ConfigTree.read(Fixtures.goldenModel("qwen3").resolve("config.json"));
        LayerConfigEdit edit = LayerConfigEdit.keeping(config, List.of(0, 3, 5));
        assertThat(edit.config().integer("num_hidden_layers")).isEqualTo(3);
        assertThat(edit.config().optionalStrings("layer_types").orElseThrow()).containsExactly("full_attention",
                "sliding_attention", "full_attention");
        assertThat(edit.config().integer("max_window_layers")).isEqualTo(3);
        assertThat(edit.warnings()).isEmpty();
        assertThat(config.integer("num_hidden_layers")).isEqualTo(6);
    }

    @Test
    void countsTheFullAttentionLayersThatAreLeft() {
        LayerConfigEdit edit = LayerConfigEdit.keeping(parse("""
                {"num_hidden_layers": 6, "max_window_layers": 4}"""), List.of(0, 3, 4, 5));
        assertThat(edit.config().integer("max_window_layers")).isEqualTo(2);
    }

    @Test
    void changesNothingElse() {
        ConfigTree config = ConfigTree.read(Fixtures.goldenModel("llama-gqa").resolve("config.json"));
        assertThat(LayerConfigEdit.keeping(config, List.of(0, 1, 5)).config().toJson())
                .isEqualTo(config.toJson().replace("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 3"));
    }

    @Test
    void editsTheTextPartOfACombinedModel() {
        LayerConfigEdit edit = LayerConfigEdit.keeping(parse("""
                {"text_config": {"num_hidden_layers": 3, "layer_types": ["a", "b", "c"]}, "layer_types": null}"""),
                List.of(0, 2));
        assertThat(edit.config().toJson()).isEqualTo(parse("""
                {"text_config": {"num_hidden_layers": 2, "layer_types": ["a", "c"]}, "layer_types": null}""").toJson());
    }

    @Test
    void keepsWhichLayersKnowNoPositions() {
        LayerConfigEdit edit = LayerConfigEdit.keeping(parse("""
                {"num_hidden_layers": 4, "no_rope_layers": [1, 1, 1, 0]}"""), List.of(0, 3));
        assertThat(edit.config().oneOrMoreIntegers("no_rope_layers")).containsExactly(1, 0);
        assertThat(edit.warnings()).isEmpty();
    }

    /** Layers 0, 3 and 4 of 5 become 0, 1 and 2. */
    @Test
    void whatGoesByTheNumbersOfLayersHasThoseOfNow() {
        LayerConfigEdit edit = LayerConfigEdit.keeping(parse("""
                {"num_hidden_layers": 5, "per_layer_config": {"4": {"a": 1}, "1": {"a": 2}, "3": {}},
                 "mlp_only_layers": [4, 0, 1], "full_attn_idxs": [2, 3], "first_k_dense_replace": 4,
                 "no_rope_layers": [1, 1, 1, 0, 1, 0, 0], "id2label": {"0": "a", "1": "b"}}"""), List.of(0, 3, 4));
        assertThat(edit.config().toJson()).isEqualTo(parse("""
                {"num_hidden_layers": 3, "per_layer_config": {"1": {}, "2": {"a": 1}},
                 "mlp_only_layers": [0, 2], "full_attn_idxs": [1], "first_k_dense_replace": 2,
                 "no_rope_layers": [1, 0, 1], "id2label": {"0": "a", "1": "b"}}""").toJson());
        assertThat(edit.warnings()).isEmpty();
    }

    @Test
    void numbersOfNoLayersAreRefused() {
        for (String wrong : List.of("\"per_layer_config\": {\"3\": {}}", "\"mlp_only_layers\": [1, 3]",
                "\"full_attn_idxs\": [-1]", "\"full_attn_idxs\": [\"a\"]")) {
            assertThatExceptionOfType(CheckpointException.class)
                    .isThrownBy(() -> LayerConfigEdit.keeping(parse("{\"num_hidden_layers\": 3, " + wrong + "}"),
                            List.of(0, 1)))
                    .withMessageContaining(
                            wrong.substring(1, wrong.indexOf('"', 1)) + "' must tell of the layers 0 to 2");
        }
    }

    @Test
    void warnsOfPeriods() {
        LayerConfigEdit edit = LayerConfigEdit.keeping(parse("""
                {"num_hidden_layers": 3, "decoder_sparse_step": 2, "moe_layer_freq": 1}"""), List.of(0, 1));
        assertThat(edit.warnings()).singleElement().asString().contains("'decoder_sparse_step' goes by the numbers");
    }

    @Test
    void warnsOfOtherListsThatMayGoByLayer() {
        LayerConfigEdit edit = LayerConfigEdit.keeping(parse("""
                {"num_hidden_layers": 3, "layer_widths": [1, 1, 0], "eos_token_id": [1, 2]}"""), List.of(0, 1));
        assertThat(edit.warnings()).singleElement().asString().contains("'layer_widths' has as many entries");
    }

    @Test
    void refusesAConfigurationThatContradictsItself() {
        assertThatExceptionOfType(CheckpointException.class)
                .isThrownBy(() -> LayerConfigEdit.keeping(parse("""
                        {"num_hidden_layers": 3, "layer_types": ["a", "b"]}"""), List.of(0)))
                .withMessageContaining("'layer_types' has 2 entries where 'num_hidden_layers' is 3");
        assertThatExceptionOfType(CheckpointException.class)
                .isThrownBy(() -> LayerConfigEdit.keeping(parse("{}"), List.of(0)))
                .withMessageContaining("'num_hidden_layers' is missing");
    }

    private static ConfigTree parse(String json) {
        Path file = Path.of("config.json");
        return ConfigTree.create(file,
                root -> root.setAll(Json.parse(json.getBytes(java.nio.charset.StandardCharsets.UTF_8), file)));
    }
}
