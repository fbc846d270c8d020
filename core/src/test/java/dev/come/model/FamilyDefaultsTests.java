package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.TestDevice;
import dev.come.TinyLlama;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.StackWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a config.json means that leaves keys out, has them as {@code null}, or spells them in another way, against what
 * transformers makes of the same file (fixtures/families/make_defaults.py).
 */
class FamilyDefaultsTests {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures/families").toAbsolutePath();
    private static final JsonNode GOLDEN = new JsonMapper().readTree(FIXTURES.resolve("defaults.json"));
    /** What transformers refuses for the embedding's place of padding, which no token looks at, or for what only images need. */
    private static final Set<String> COMPUTED_HERE = Set.of("qwen2_5_vl text_config.rope_parameters",
            "qwen2_5_vl text_config.rope_parameters.mrope_section",
            "qwen2_5_vl-flat rope_scaling",
            "qwen2_5_vl-flat rope_scaling.mrope_section", "phi3 pad_token_id", "smollm3 pad_token_id",
            "phi4-mini pad_token_id", "glm pad_token_id", "glm4 pad_token_id",
            "hunyuan_v1_dense rope_parameters.factor",
            "stablelm-parallel num_key_value_heads=null", "exaone4 num_key_value_heads=null",
            "helium num_key_value_heads=null", "helium head_dim=null", "cohere2 head_dim=null",
            "granite_swa head_dim=null");
    /** What transformers refuses though the rest of the file tells what is meant. */
    private static final Set<String> TOLD_BY_THE_REST = Set.of("olmo3 rope_parameters.full_attention.factor",
            "ministral3 rope_parameters.factor", "ministral sliding_window=null layer_types",
            "cohere2 layer_types=... sliding_window=null");
    /**
     * What transformers computes as no model was trained: a scaled rotation without its type as an unscaled one, llama3
     * scaling as if from the full length. Here it is refused by name.
     */
    private static final Set<String> REFUSED_HERE = Set.of("llama3-rope rope_parameters.rope_type",
            "llama3-rope rope_parameters.original_max_position_embeddings",
            "gemma3 rope_parameters.full_attention.rope_type",
            "olmo3 rope_parameters.full_attention.rope_type", "cwm rope_parameters.rope_type",
            "cwm rope_parameters.original_max_position_embeddings", "apertus rope_parameters.rope_type",
            "apertus rope_parameters.original_max_position_embeddings", "ministral3 rope_parameters.rope_type",
            "hunyuan_v1_dense rope_parameters.rope_type",
            // what is not known here
            "olmo clip_qkv=0.1", "exaone layer_norm_epsilon=0.1", "exaone activation_function=relu",
            "gpt2 scale_attn_by_inverse_layer_idx=true");

    /** Fields of the configuration classes that change nothing here, or are refused where they would. */
    private static final Set<String> NOT_READ = Set.of("use_bidirectional_attention");
    /** Keys that transformers reads though they are no fields of every class. */
    private static final Set<String> NO_FIELDS = Set.of("head_dim", "original_max_position_embeddings", "layer_types",
            "sliding_window_pattern", "partial_rotary_factor", "rotary_pct", "rope_parameters", "quantization_config",
            "rope_local_base_freq", "num_layers", "layer_norm_epsilon", "activation_function", "tie_word_embeddings");

    @TempDir
    private Path folder;

    /** One edit of one model's config.json. */
    record Case(String model, JsonNode edit) {
        @Override
        public String toString() {
            return model + " without " + edit.get("remove") + " with " + edit.get("set");
        }

        String outcome() {
            return edit.get("outcome").asString();
        }

        boolean isRefused() {
            String name = name();
            return outcome().equals("refused") ? !COMPUTED_HERE.contains(name) : REFUSED_HERE.contains(name);
        }

        /** The model, what is set, and what is left out. */
        String name() {
            StringBuilder name = new StringBuilder(model);
            edit.get("set").forEachEntry((path, value) -> name.append(" ").append(path).append("=")
                    .append(value.isContainer() ? "..." : value.isNull() ? "null" : value.asString()));
            edit.get("remove").forEach(path -> name.append(" ").append(path.asString()));
            return name.toString();
        }

        /** The keys that are edited, the outer ones left out. */
        List<String> keys() {
            return paths().stream().map(path -> path.substring(path.lastIndexOf('.') + 1)).toList();
        }

        List<String> paths() {
            List<String> paths = new ArrayList<>(edit.get("set").propertyNames());
            edit.get("remove").forEach(path -> paths.add(path.asString()));
            return paths;
        }
    }

    static Stream<Case> cases() {
        return GOLDEN.get("models").propertyStream()
                .flatMap(model -> model.getValue().valueStream().map(edit -> new Case(model.getKey(), edit)));
    }

    static Stream<Case> readAsAnother() {
        return cases().filter(its -> its.outcome().equals("other") && !its.isRefused());
    }

    static final List<Family> FAMILIES = Families.ALL;

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void aConfigurationMeansWhatTransformersTakesItFor(Case its) throws IOException {
        Path model = edited(its);
        if (TOLD_BY_THE_REST.contains(its.name())) {
            assertThat(logits(model)).doesNotContain(Float.NaN);
        } else if (its.isRefused()) {
            assertRefused(its, model);
        } else {
            assertLogits(its, model);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("readAsAnother")
    void aSmallerModelOfSuchAConfigurationIsReadAsItWasComputed(Case its) throws IOException {
        Path saved = folder.resolve("saved");
        try (Checkpoint checkpoint = UsualNames.open(edited(its))) {
            ModelConfig config = ModelConfig.of(checkpoint);
            LayerStack dense = LayerStack.dense(config.layers());
            LayerStack stack = dense.replace(1, 2, dense.get(2));
            new StackWriter(new LayerStore(checkpoint, config), stack).write(tree -> new CheckpointWriter(saved, tree));
            try (Checkpoint reopened = UsualNames.open(saved)) {
                ModelConfig smaller = ModelConfig.of(reopened);
                List<AttentionKind> kinds = stack.firstOriginals().stream().map(config::attention).toList();
                assertThat(smaller.attentionKinds()).isEqualTo(kinds);
                assertThat(smaller).usingRecursiveComparison().ignoringFields("layers", "attentionKinds")
                        .isEqualTo(config);
            }
        }
    }

    private static void assertRefused(Case its, Path model) {
        assertThatThrownBy(() -> logits(model)).isInstanceOf(InvalidInputException.class)
                .message().containsAnyOf(its.keys().toArray(String[]::new));
    }

    private static void assertLogits(Case its, Path model) {
        JsonNode whole = GOLDEN.get("models").get(its.model()).get(0);
        List<Double> expected = Golden.doubles((its.outcome().equals("other") ? its.edit() : whole).get("logits"));
        float[] actual = logits(model);
        assertThat(actual).hasSizeGreaterThanOrEqualTo(expected.size());
        for (int i = 0; i < expected.size(); i++) {
            assertThat((double) actual[i]).as("logit %d", i).isCloseTo(expected.get(i),
                    within(1e-4 + 1e-4 * Math.abs(expected.get(i))));
        }
    }

    /** Logits after the last token. */
    private static float[] logits(Path folder) {
        try (Checkpoint checkpoint = UsualNames.open(folder);
                CausalLanguageModel model = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                        TestDevice.float32(1))) {
            int vocabulary = ModelConfig.of(checkpoint).vocabularySize();
            int[] ids = Golden.integers(GOLDEN.get("ids")).stream().mapToInt(id -> id % vocabulary).toArray();
            return model.logits(ids)[ids.length - 1];
        }
    }

    private static ConfigTree tree(String json) throws IOException {
        return ConfigTree.create(Path.of("config.json"),
                root -> root.setAll((ObjectNode) new JsonMapper().readTree(json)));
    }

    @Test
    void theTokenThatEndsATextIsTheFamilysWhereNoneIsNamed() throws IOException {
        assertThat(Families.LLAMA.endTokens(tree("{}"))).containsExactly(2);
        assertThat(Families.GEMMA3.endTokens(tree("{}"))).containsExactly(1);
        assertThat(Families.QWEN2.endTokens(tree("{}"))).isEmpty();
        assertThat(Families.LLAMA.endTokens(tree("{\"eos_token_id\": null}"))).isEmpty();
        assertThat(Families.LLAMA.endTokens(tree("{\"eos_token_id\": [5, 6]}"))).containsExactlyInAnyOrder(5, 6);
    }

    @Test
    void aSmallerModelSaysHowManyLayersItHasWhereTheLargerOneLeftItOut() throws IOException {
        int usual = 32; // LlamaConfig().num_hidden_layers
        Path model = new TinyLlama(usual, 16, 8, 8, 1, 2, 4, false).write(folder.resolve("model"), new Random(1));
        ConfigTree config = ConfigTree.read(model.resolve("config.json"));
        Files.writeString(model.resolve("config.json"),
                config.edited(root -> root.remove("num_hidden_layers")).toJson());
        Path saved = folder.resolve("saved");
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            LayerStack dense = LayerStack.dense(usual);
            new StackWriter(store, dense.replace(1, 2, dense.get(2))).write(tree -> new CheckpointWriter(saved, tree));
        }
        try (Checkpoint reopened = UsualNames.open(saved)) {
            assertThat(ModelConfig.of(reopened).layers()).isEqualTo(usual - 1);
        }
    }

    private Path edited(Case its) throws IOException {
        Path own = FIXTURES.resolve(its.model());
        Path model = Files.isDirectory(own) ? own : Golden.model(its.model());
        Path edited = Files.createDirectory(folder.resolve("model"));
        Files.copy(model.resolve("model.safetensors"), edited.resolve("model.safetensors"));
        ConfigTree config = ConfigTree.read(model.resolve("config.json")).edited(root -> {
            its.edit().get("remove").forEach(path -> outer(root, path.asString()).remove(inner(path.asString())));
            its.edit().get("set").forEachEntry((path, value) -> outer(root, path).set(inner(path), value));
        });
        Files.writeString(edited.resolve("config.json"), config.toJson());
        return edited;
    }

    private static ObjectNode outer(ObjectNode root, String path) {
        ObjectNode place = root;
        String rest = path;
        for (; rest.contains("."); rest = rest.substring(rest.indexOf('.') + 1)) {
            place = (ObjectNode) place.get(rest.substring(0, rest.indexOf('.')));
        }
        return place;
    }

    private static String inner(String path) {
        return path.substring(path.lastIndexOf('.') + 1);
    }

    @ParameterizedTest
    @FieldSource("FAMILIES")
    void theTableOfAFamilyIsItsConfigurationClass(Family family) {
        JsonNode fields = GOLDEN.get("classes").get(family.modelType());
        family.defaults().forEach((key, meant) -> {
            if (fields.has(key)) {
                JsonNode field = fields.get(key);
                assertThat(meant.isPresent()).as(key).isEqualTo(!field.isNull());
                meant.ifPresent(value -> assertThat(value instanceof Number number
                        ? number.doubleValue()
                        : value).as(key).isEqualTo(field.isNumber()
                                ? field.doubleValue()
                                : field.isBoolean() ? field.booleanValue() : field.asString()));
            } else {
                assertThat(key).isIn(NO_FIELDS);
            }
        });
        assertThat(fields.propertyNames()).allSatisfy(
                field -> assertThat(family.defaults().containsKey(field) || NOT_READ.contains(field)).as(field)
                        .isTrue());
    }
}
