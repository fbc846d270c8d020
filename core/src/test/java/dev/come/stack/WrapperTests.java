package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.model.Wrapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Models that see images too, of whose text part a layer is left out; FamiliesTests compares what they compute. */
class WrapperTests {
    private static final int GONE = 1;
    private static final Pattern OF_A_LAYER = Pattern
            .compile("((?:model\\.|language_model\\.|text_model\\.)+layers\\.)(\\d+)(\\..*)");

    @TempDir
    private Path folder;

    static Stream<String> models() {
        return Wrapper.ALL.stream().flatMap(wrapper -> wrapper.checkedBy().stream());
    }

    private Path withoutALayer(Path model) {
        Path saved = folder.resolve("saved");
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            LayerStack stack = LayerStack.dense(store.config().layers()).without(GONE, 1);
            new StackWriter(store, stack).write(tree -> new CheckpointWriter(saved, tree));
        }
        return saved;
    }

    /** The name that a tensor of a layer has when the layer before is gone; the twin of what names the product writes. */
    private static String after(String name) {
        Matcher layer = OF_A_LAYER.matcher(name);
        return layer.matches() && Integer.parseInt(layer.group(2)) > GONE
                ? layer.group(1) + (Integer.parseInt(layer.group(2)) - 1) + layer.group(3)
                : name;
    }

    private static boolean goes(String name) {
        Matcher layer = OF_A_LAYER.matcher(name);
        return layer.matches() && Integer.parseInt(layer.group(2)) == GONE;
    }

    @ParameterizedTest
    @MethodSource("models")
    void everyOtherTensorKeepsItsBytesAndItsPrefix(String name) {
        try (Checkpoint dense = Checkpoint.open(Golden.familyModel(name));
                Checkpoint saved = Checkpoint.open(withoutALayer(Golden.familyModel(name)))) {
            Set<String> expected = new TreeSet<>();
            for (String tensor : dense.headers().names()) {
                if (!goes(tensor)) {
                    expected.add(after(tensor));
                    try (Tensor one = dense.tensor(tensor); Tensor other = saved.tensor(after(tensor))) {
                        assertThat(one.equal(other)).as(tensor).isTrue();
                    }
                }
            }
            assertThat(saved.headers().names()).containsExactlyInAnyOrderElementsOf(expected);
            assertThat(expected).hasSizeLessThan(dense.headers().names().size());
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void theConfigurationOfEverythingElseStays(String name) throws IOException {
        ObjectNode before = json(Golden.familyModel(name));
        ObjectNode after = json(withoutALayer(Golden.familyModel(name)));
        boolean nested = before.has("text_config");
        ObjectNode text = nested ? (ObjectNode) before.get("text_config") : before;
        ObjectNode smaller = nested ? (ObjectNode) after.get("text_config") : after;
        assertThat(smaller.get("num_hidden_layers").intValue()).isEqualTo(text.get("num_hidden_layers").intValue() - 1);
        if (text.has("layer_types")) {
            List<String> kinds = new ArrayList<>();
            text.get("layer_types").forEach(kind -> kinds.add(kind.asString()));
            kinds.remove(GONE);
            assertThat(smaller.get("layer_types")).map(kind -> kind.asString()).containsExactlyElementsOf(kinds);
        }
        for (ObjectNode each : List.of(text, smaller)) {
            each.remove(List.of("num_hidden_layers", "layer_types", "max_window_layers", "_sliding_window_pattern"));
        }
        if (!before.has("rope_scaling")) { // what transformers 4 reads is said too
            smaller.remove(List.of("rope_theta", "rope_local_base_freq", "rope_scaling"));
        }
        assertThat(after).isEqualTo(before);
    }

    @ParameterizedTest
    @MethodSource("models")
    void whatIsKeptIsTold(String name) {
        try (Checkpoint checkpoint = UsualNames.open(Golden.familyModel(name))) {
            assertThat(UsualNames.remark(checkpoint.headers()).orElseThrow())
                    .contains("the text part of a model of type ",
                            checkpoint.headers().others().size() + " other tensors")
                    .matches(remark -> remark.contains("layers 0 to 1") == name.equals("qwen3_vl"));
            assertThat(checkpoint.headers().others()).isNotEmpty();
        }
    }

    /** With 15 tensors beside the text part two models would have one fingerprint if these did not count. */
    @Test
    void anotherTowerIsAnotherModel() throws IOException {
        Path other = copy("llava", root -> {
        });
        Path weights = other.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 1] ^= 1; // the last tensor is of the tower
        Files.write(weights, bytes);
        try (Checkpoint one = UsualNames.open(Golden.familyModel("llava"));
                Checkpoint another = UsualNames.open(other)) {
            assertThat(one.fingerprint()).isNotEqualTo(another.fingerprint());
        }
    }

    private interface Edit {
        void apply(ObjectNode root);
    }

    private Path copy(String name, Edit edit) throws IOException {
        Path model = Golden.familyModel(name);
        Path copy = Files.createDirectory(folder.resolve("copy"));
        Files.copy(model.resolve("model.safetensors"), copy.resolve("model.safetensors"));
        Files.writeString(copy.resolve("config.json"),
                ConfigTree.read(model.resolve("config.json")).edited(edit::apply).toJson());
        return copy;
    }

    private static ObjectNode json(Path model) throws IOException {
        return (ObjectNode) new JsonMapper().readTree(Files.readString(model.resolve("config.json")));
    }

    /** Mistral Small 3.1 is published so: the class ties embeddings, and another output projection is stored. */
    @Test
    void aProjectionThatIsAnotherTensorIsSaidAtTheTop() throws IOException {
        Path saved = withoutALayer(copy("mistral3", root -> root.remove("tie_word_embeddings")));
        assertThat(json(saved).get("tie_word_embeddings").booleanValue()).isFalse();
        assertThat(ConfigTree.read(saved.resolve("config.json")).optionalObject("text_config").orElseThrow()
                .bool("tie_word_embeddings", true)).isFalse();
        try (Checkpoint checkpoint = UsualNames.open(saved)) {
            assertThat(ModelConfig.of(checkpoint).tiedEmbeddings()).isFalse();
        }
    }

    @Test
    void whatTheTopSaysOfQuantisationAndOfTheEndCountsAndGoesBackThere() throws IOException {
        Path model = copy("llava", root -> {
            root.putObject("quantization_config").put("quant_method", "fp8");
            root.put("eos_token_id", 7);
        });
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            assertThat(ModelConfig.of(checkpoint).family().endTokens(checkpoint.config())).containsExactly(2);
        }
        ObjectNode after = json(withoutALayer(model));
        assertThat(after.has("quantization_config")).isFalse();
        assertThat(after.get("text_config").has("quantization_config")).isFalse();
        assertThat(after.get("eos_token_id").intValue()).isEqualTo(7);
        assertThat(after.get("text_config").get("eos_token_id").intValue()).isEqualTo(2);
    }

    @Test
    void aTextPartOfAnotherFamilyIsNamed() throws IOException {
        Path model = copy("llava", root -> ((ObjectNode) root.get("text_config")).put("model_type", "mamba"));
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            assertThatThrownBy(() -> ModelConfig.of(checkpoint)).isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("model_type is \"mamba\"");
        }
    }

    @Test
    void aTensorOfALayerThatNobodyKnowsIsRefusedAndNotCopied() throws IOException {
        Path model = copy("idefics3", root -> {
        });
        Path weights = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1)
                .replace("text_model.layers.0.mlp.up_proj.weight", "text_model.layers.0.mlp.in_proj.weight");
        Files.write(weights, text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            assertThatThrownBy(() -> ModelConfig.of(checkpoint)).isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("layers.0.mlp.up_proj.weight").hasMessageContaining("is missing");
        }
    }
}
