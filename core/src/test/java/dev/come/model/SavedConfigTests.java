package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What config.json says when layers are gone. */
class SavedConfigTests {
    private static final Path FAMILIES = Path.of("src/test/resources/fixtures/families");
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";

    private static ConfigTree config(Path model, Consumer<ObjectNode> edit) {
        return ConfigTree.read(model.resolve("config.json")).edited(edit);
    }

    private static SavedConfig saved(ConfigTree whole, List<Integer> originals) {
        return new SavedConfig(ModelConfig.of(whole), whole, originals);
    }

    private static SavedConfig allLayers(ConfigTree whole) {
        return saved(whole, IntStream.range(0, ModelConfig.of(whole).layers()).boxed().toList());
    }

    /** A Gemma 3 whose layers slide (S) or see everything (F). */
    private static ConfigTree gemma3(String kinds, String key, int period) {
        return config(FAMILIES.resolve("gemma3"), root -> {
            root.remove("_sliding_window_pattern");
            root.put("num_hidden_layers", kinds.length()).put(key, period);
            ArrayNode types = root.putArray("layer_types");
            kinds.chars().forEach(kind -> types.add(kind == 'S' ? SLIDING : FULL));
        });
    }

    private static List<Integer> positions(String marked) {
        return IntStream.range(0, marked.length()).filter(i -> marked.charAt(i) == '1').boxed().toList();
    }

    /** Which layers are left, marked by 1; what the key says then, 0 for nothing. mlx-lm takes (i + 1) % period == 0 as full. */
    @ParameterizedTest
    @CsvSource({"SSSFSSSF, 4, 11111111, 4", "SSSFSSSF, 4, 11110000, 4", "SSSFSSSF, 4, 11111110, 4",
        "SSSFSSSF, 4, 10111011, 3", "SSSFSSSF, 4, 00010001, 1", "SSSFSSSF, 4, 10111111, 0",
        "SSSFSSSF, 4, 11101110, 7", "SSSFSSSF, 4, 11100000, 4", "SSSFSSSF, 6, 11111100, 4", "SSFSS, 6, 11111, 3",
        "FSFS, 2, 1111, 0", "SSSSSF, 6, 111110, 6"})
    void thePeriodOfWindowsIsThatOfTheLayersThatAreLeft(String kinds, int before, String kept, int expected) {
        for (String key : List.of("sliding_window_pattern", "_sliding_window_pattern")) {
            ConfigTree whole = gemma3(kinds, key, before);
            SavedConfig saved = saved(whole, positions(kept));
            assertThat(saved.config().optionalInteger(key).orElse(0)).isEqualTo(expected);
            if (expected == 0) {
                assertThat(saved.warnings()).singleElement().asString().contains("The new model has no " + key,
                        "layer_types tells");
            } else {
                assertThat(saved.warnings()).isEmpty();
            }
            assertThat(ModelConfig.of(saved.config()).attentionKinds()).isEqualTo(
                    positions(kept).stream().map(ModelConfig.of(whole)::attention).toList());
        }
    }

    @Test
    void aPeriodWithoutListsIsCorrectedWhenListsAreAdded() {
        ConfigTree whole = gemma3("SSFSSF", "sliding_window_pattern", 3).edited(root -> root.remove("layer_types"));
        SavedConfig saved = saved(whole, List.of(0, 2, 3, 5));
        assertThat(saved.config().optionalInteger("sliding_window_pattern")).hasValue(2);
        assertThat(saved.config().optionalStrings("layer_types").orElseThrow())
                .containsExactly(SLIDING, FULL, SLIDING, FULL);
        SavedConfig irregular = saved(whole, List.of(0, 2, 3, 4, 5));
        assertThat(irregular.config().has("sliding_window_pattern")).isFalse();
        assertThat(ModelConfig.of(irregular.config()).attentionKinds())
                .isEqualTo(Stream.of(0, 2, 3, 4, 5).map(ModelConfig.of(whole)::attention).toList());
    }

    /** In SmolLM3's list 1 means that positions turn queries and keys; every fourth layer does without. */
    @ParameterizedTest
    @CsvSource({"1110111, 1111111, 4", "1110111, 1011111, 0", "1110111, 1011000, 3", "1010101, 1111111, 2",
        "1010101, 1011011, 0", "1110111, 1110111, 7"})
    void soIsThePeriodOfLayersWithoutPositions(String turning, String kept, int expected) {
        ConfigTree whole = config(FAMILIES.resolve("smollm3"), root -> {
            root.put("num_hidden_layers", turning.length());
            ArrayNode types = root.putArray("layer_types");
            ArrayNode list = root.putArray("no_rope_layers");
            turning.chars().forEach(digit -> {
                types.add(FULL);
                list.add(digit - '0');
            });
        });
        SavedConfig saved = saved(whole, positions(kept));
        assertThat(saved.config().optionalInteger("no_rope_layer_interval").orElse(0)).isEqualTo(expected);
        assertThat(saved.warnings()).hasSize(expected == 0 ? 1 : 0);
        assertThat(ModelConfig.of(saved.config()).attentionKinds())
                .isEqualTo(positions(kept).stream().map(ModelConfig.of(whole)::attention).toList());
    }

    @Test
    void theRopeBaseIsSaidWhereOlderProgramsLookForIt() {
        ConfigTree smol = config(FAMILIES.resolve("smollm3"), _ -> {
        });
        assertThat(smol.has("rope_theta")).isFalse();
        ConfigTree saved = allLayers(smol).config();
        assertThat(saved.number("rope_theta")).isEqualTo(2_000_000);
        assertThat(saved.toJson()).contains("\"rope_theta\": 2000000.0");
        assertThat(ModelConfig.of(saved)).isEqualTo(ModelConfig.of(smol));
    }

    @Test
    void gemma3HasABaseForEachKindOfLayer() {
        ConfigTree gemma = config(FAMILIES.resolve("gemma3"), _ -> {
        });
        ConfigTree saved = allLayers(gemma).config();
        assertThat(saved.number("rope_theta")).isEqualTo(1_000_000);
        assertThat(saved.number("rope_local_base_freq")).isEqualTo(10_000);
        assertThat(ModelConfig.of(saved)).isEqualTo(ModelConfig.of(gemma));
        // transformers 5 ignores what lies flat there, and so must what is said beside it
        ConfigTree flat = config(FAMILIES.resolve("gemma3"), root -> root.putObject("rope_parameters")
                .put("rope_type", "default").put("rope_theta", 5000.0));
        assertThat(allLayers(flat).config().number("rope_theta")).isEqualTo(1_000_000);
        assertThat(ModelConfig.of(allLayers(flat).config())).isEqualTo(ModelConfig.of(flat));
    }

    /** What transformers 4.57.6 needs to give the logits of 5.24, found by running both on such folders. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "llama-mha | {'rope_type': 'linear', 'rope_theta': 500000.0, 'factor': 4.0} | {'rope_type': 'linear', 'factor': 4.0}",
        "qwen3 | {'rope_type': 'yarn', 'rope_theta': 500000.0, 'factor': 4.0, 'original_max_position_embeddings': 64} "
                + "| {'rope_type': 'yarn', 'factor': 4.0, 'original_max_position_embeddings': 64}",
        "olmo2 | {'rope_type': 'dynamic', 'rope_theta': 500000.0, 'factor': 4.0} | {'factor': 4.0, 'type': 'dynamic'}",
        "olmo2 | {'rope_type': 'yarn', 'rope_theta': 500000.0, 'factor': 4.0, 'original_max_position_embeddings': 32} "
                + "| {'rope_type': 'yarn', 'factor': 4.0, 'original_max_position_embeddings': 32}",
        "phi3 | {'rope_type': 'longrope', 'rope_theta': 500000.0, 'short_factor': [1.0, 1.5, 2.0], 'long_factor': [3.0, 4.0, 5.0]} "
                + "| {'short_factor': [1.0, 1.5, 2.0], 'long_factor': [3.0, 4.0, 5.0], 'type': 'longrope'}",
        "llama-mha | {'rope_type': 'default', 'rope_theta': 500000.0} | "})
    void soIsTheScaling(String model, String parameters, @Nullable String scaling) {
        Path folder = Files.isDirectory(Golden.model(model)) ? Golden.model(model) : FAMILIES.resolve(model);
        JsonMapper json = JsonMapper.builder().enable(JsonReadFeature.ALLOW_SINGLE_QUOTES).build();
        ConfigTree whole = config(folder, root -> {
            root.set("rope_parameters", json.readTree(parameters));
            if (model.equals("phi3")) {
                root.put("original_max_position_embeddings", 64);
            }
        });
        ConfigTree saved = allLayers(whole).config();
        assertThat(saved.number("rope_theta")).isEqualTo(500_000);
        assertThat(JsonMapper.shared().readTree(saved.toJson()).path("rope_scaling").toString())
                .isEqualTo(scaling == null ? "" : json.readTree(scaling).toString());
        assertThat(ModelConfig.of(saved)).isEqualTo(ModelConfig.of(whole));
    }

    @Test
    void ofGemma3OnlyTheScalingOfFullLayersCanBeSaid() {
        ConfigTree saved = allLayers(config(FAMILIES.resolve("gemma3"), _ -> {
        })).config();
        assertThat(JsonMapper.shared().readTree(saved.toJson()).path("rope_scaling").toString())
                .isEqualTo("{\"factor\":8.0,\"rope_type\":\"linear\"}");
    }

    /** transformers 5 reads the older key first, so what the family's older form has no place for is not left out. */
    @Test
    void aScalingThatTheFamilysOlderFormCannotSayIsSaidInFull() {
        ConfigTree whole = config(FAMILIES.resolve("phi3"), root -> {
            root.remove("original_max_position_embeddings");
            ObjectNode settings = root.putObject("rope_parameters").put("rope_type", "longrope")
                    .put("rope_theta", 10_000.0).put("attention_factor", 1.5);
            settings.putArray("short_factor").add(1.0).add(1.5).add(2.0);
            settings.putArray("long_factor").add(3.0).add(4.0).add(5.0);
        });
        ConfigTree saved = allLayers(whole).config();
        assertThat(JsonMapper.shared().readTree(saved.toJson()).path("rope_scaling").has("attention_factor")).isTrue();
        assertThat(ModelConfig.of(saved)).isEqualTo(ModelConfig.of(whole));
    }

    @Test
    void whereTheBaseIsSaidTheOlderWayOrThereIsNoneNothingIsAdded() {
        ConfigTree older = config(FAMILIES.resolve("smollm3"), root -> {
            root.remove(List.of("rope_parameters", "no_rope_layer_interval"));
            root.put("rope_theta", 5e6);
        });
        assertThat(allLayers(older).config().toJson()).isEqualTo(older.toJson());
        ConfigTree learned = config(Golden.model("opt"), _ -> {
        });
        assertThat(allLayers(learned).config().toJson()).isEqualTo(learned.toJson());
    }

    /** transformers 5.24 makes no model of these families from such a file. */
    @Test
    void layersThatDifferInWhatIsComputedAreRefused() {
        ConfigTree whole = config(Golden.model("llama-gqa"), root -> root.putObject("per_layer_config").putObject("2")
                .put("attention_dropout", 0.5).put("rms_norm_eps", 0.5));
        assertThatThrownBy(() -> ModelConfig.of(whole)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("per_layer_config gives layer 2 a rms_norm_eps of its own");
        ConfigTree mute = whole.edited(root -> ((ObjectNode) root.at("/per_layer_config/2")).remove("rms_norm_eps"));
        assertThat(JsonMapper.shared().readTree(saved(mute, List.of(0, 2, 3)).config().toJson())
                .path("per_layer_config").toString()).isEqualTo("{\"1\":{\"attention_dropout\":0.5}}");
    }

    /** EXAONE 4 spells the period: an L for each layer that slides, and a G for the one that does not. */
    @ParameterizedTest
    @CsvSource({"SSSFSSSF, LLLG, 11111111, LLLG", "SSSFSSSF, LLLG, 01110111, LLG", "SSSFSSSF, LLLG, 11110111, ''"})
    void aPeriodMayBeSpelt(String kinds, String before, String kept, String expected) {
        ConfigTree whole = config(FAMILIES.resolve("exaone4"), root -> {
            root.put("num_hidden_layers", kinds.length()).put("sliding_window_pattern", before);
            ArrayNode types = root.putArray("layer_types");
            kinds.chars().forEach(kind -> types.add(kind == 'S' ? SLIDING : FULL));
        });
        List<Integer> positions = positions(kept);
        SavedConfig saved = saved(whole, positions);
        assertThat(saved.config().optionalString("sliding_window_pattern").orElse("")).isEqualTo(expected);
        assertThat(ModelConfig.of(saved.config()).attentionKinds())
                .isEqualTo(positions.stream().map(ModelConfig.of(whole)::attention).toList());
    }

    /** transformers 4 reads them outside of rope_parameters; GPT-NeoX by names of its own. */
    @ParameterizedTest
    @CsvSource({"phi4-mini, rope_theta, partial_rotary_factor, 0.75", "gpt_neox, rotary_emb_base, rotary_pct, 0.5",
        "stablelm, rope_theta, partial_rotary_factor, 0.5", "glm4, rope_theta, partial_rotary_factor, 0.5"})
    void olderKeysSayHowMuchOfAHeadTurns(String name, String base, String share, double expected) {
        ConfigTree whole = config(FAMILIES.resolve(name), _ -> {
        });
        ConfigTree saved = saved(whole, List.of(0, 2, 3, 4)).config();
        assertThat(saved.number(base)).isEqualTo(10_000);
        assertThat(saved.number(share)).isEqualTo(expected);
        ConfigTree older = saved.edited(root -> root.remove("rope_parameters"));
        assertThat(ModelConfig.of(older).attentionKinds()).isEqualTo(ModelConfig.of(saved).attentionKinds());
    }

    /** transformers 5.24 looks at the first entries. */
    @Test
    void aListOfPositionsMayBeLongerThanTheModel() {
        ConfigTree whole = config(FAMILIES.resolve("smollm3"), root -> root.withArray("no_rope_layers").add(0).add(0));
        assertThat(ModelConfig.of(whole)).isEqualTo(ModelConfig.of(config(FAMILIES.resolve("smollm3"), _ -> {
        })));
        assertThat(saved(whole, List.of(0, 3, 4)).config().oneOrMoreIntegers("no_rope_layers"))
                .containsExactly(1, 0, 1);
    }

    @Test
    void aQuantisationThatIsLeftOverIsDropped() {
        for (String key : List.of("quantization_config", "compression_config")) {
            ConfigTree whole = config(Golden.model("llama-gqa"),
                    root -> root.putObject(key).put("quant_method", "bitsandbytes").put("load_in_4bit", true));
            SavedConfig saved = allLayers(whole);
            assertThat(saved.config().mentions(key)).isFalse();
            assertThat(saved.warnings()).singleElement().asString()
                    .contains(whole.file() + ": " + key + " (bitsandbytes) is left out of the new model");
        }
    }
}
