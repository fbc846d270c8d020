package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Golden.Values;
import dev.come.InvalidInputException;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.job.FamilySummary;
import dev.come.model.CausalLanguageModel;
import dev.come.model.Compute;
import dev.come.model.DecoderLayer;
import dev.come.model.Embedding;
import dev.come.model.Families;
import dev.come.model.Family;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.PlainLayer;
import dev.come.model.Rotation;
import dev.come.model.Tensors;
import dev.come.model.TokenLayout;
import dev.come.model.UsualNames;
import dev.come.model.Workspace;
import dev.come.model.Wrapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.node.ObjectNode;

/** Families that the golden values do not cover, against what transformers computes (fixtures/families/make_families.py). */
class FamiliesTests {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures/families").toAbsolutePath();
    static final List<String> MODELS = Stream.concat(
            Families.ALL.stream().flatMap(family -> family.checkedBy().stream()),
            Wrapper.ALL.stream().flatMap(wrapper -> wrapper.checkedBy().stream())).distinct()
            .filter(name -> Files.isDirectory(FIXTURES.resolve(name))).toList();

    @TempDir
    private Path folder;

    private static Values expected(String model, String tensor) {
        return Golden.tensor(FIXTURES.resolve(model).resolve("expected.safetensors"), tensor);
    }

    private static int[] ids(String model) {
        return Arrays.stream(expected(model, "ids").values()).mapToInt(id -> (int) id).toArray();
    }

    private static void assertClose(float[] actual, double[] expected, String what) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat((double) actual[i]).as(what + " at " + i).isCloseTo(expected[i],
                    within(1e-4 + 1e-4 * Math.abs(expected[i])));
        }
    }

    private static void assertLogits(float[][] actual, Values expected) {
        for (int token = 0; token < actual.length; token++) {
            assertClose(actual[token], expected.slice(token).values(), "logits after token " + token);
        }
    }

    @Test
    void everyFamilyIsChecked() {
        for (Family family : Families.ALL) {
            assertThat(family.checkedBy()).as(family.modelType()).isNotEmpty().allSatisfy(name -> {
                Path model = Stream.of(Golden.model(name), FIXTURES.resolve(name)).filter(Files::isDirectory)
                        .findFirst()
                        .orElseThrow();
                try (Checkpoint checkpoint = UsualNames.open(model)) {
                    assertThat(checkpoint.config().string("model_type")).isEqualTo(family.modelType());
                }
            });
        }
        for (Wrapper wrapper : Wrapper.ALL) {
            assertThat(wrapper.checkedBy()).as(wrapper.modelType()).isNotEmpty()
                    .allSatisfy(name -> assertThat(
                            ConfigTree.read(FIXTURES.resolve(name).resolve("config.json")).string("model_type"))
                            .isEqualTo(wrapper.modelType()));
        }
    }

    @Test
    void theDocumentsListThem() throws java.io.IOException {
        String documents = Files.readString(Path.of("../docs/models-and-data.md"));
        for (FamilySummary family : FamilySummary.all()) {
            assertThat(documents).contains("| %s | %s | %s | %s | %s |".formatted(family.modelType(), family.models(),
                    family.gguf(), family.llamaCppOrder(), family.checkedWith()));
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void fastAndPlainLayersEqualTransformersAtEveryBoundary(String name) {
        int[] ids = ids(name);
        TokenLayout layout = TokenLayout.of(ids.length);
        Values states = expected(name, "hidden");
        Compute compute = TestDevice.float32(1);
        try (Checkpoint checkpoint = UsualNames.open(FIXTURES.resolve(name));
                var _ = new NoGradGuard();
                var _ = new PointerScope();
                Rotation rotation = new Rotation(compute);
                Rotation plainRotation = new Rotation(Compute.float32(1));
                Workspace workspace = new Workspace(compute)) {
            ModelConfig config = ModelConfig.of(checkpoint);
            try (Embedding embedding = new Embedding(checkpoint, config, compute)) {
                Tensor hidden = embedding.of(ids, layout);
                for (int i = 0; i < config.layers(); i++) {
                    assertClose(Tensors.floats(hidden), states.slice(i).values(), "states before layer " + i);
                    LayerWeights weights = LayerWeights.of(checkpoint, config, i);
                    Tensor plain = new PlainLayer(config).forward(weights, hidden.cpu(), layout, plainRotation);
                    assertClose(Tensors.floats(plain), states.slice(i + 1).values(), "plain layer " + i);
                    try (DecoderLayer layer = new DecoderLayer(config, weights, compute)) {
                        layer.forward(hidden, layout, rotation, workspace, LayerObserver.NONE, null);
                    }
                }
                assertClose(Tensors.floats(hidden), states.slice(config.layers()).values(), "last states");
            }
            try (CausalLanguageModel model = new CausalLanguageModel(checkpoint, config, compute)) {
                assertLogits(model.logits(ids), expected(name, "logits"));
            }
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void aSavedModelWithoutALayerIsThatOfTransformers(String name) {
        save(FIXTURES.resolve(name), folder.resolve("without"));
        assertWithoutLayer1(name, folder.resolve("without"));
    }

    /** Removes layer 1. */
    private static StackWriter save(Path model, Path target) {
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            LayerStack dense = LayerStack.dense(ModelConfig.of(checkpoint).layers());
            LayerStack stack = dense.replace(1, 2, dense.get(2));
            StackWriter writer = new StackWriter(new LayerStore(checkpoint, ModelConfig.of(checkpoint)), stack);
            writer.write(config -> new CheckpointWriter(target, config));
            return writer;
        }
    }

    private static void assertWithoutLayer1(String name, Path model) {
        try (Checkpoint checkpoint = UsualNames.open(model);
                CausalLanguageModel without = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                        TestDevice.float32(1))) {
            assertThat(ModelConfig.of(checkpoint).layers()).isEqualTo(4);
            assertLogits(without.logits(ids(name)), expected(name, "without_1"));
        }
    }

    private interface Edit {
        void apply(ObjectNode root);
    }

    /** The same model with another config.json. */
    private Path edited(String name, Edit edit) {
        try (Checkpoint checkpoint = UsualNames.open(FIXTURES.resolve(name))) {
            Path model = folder.resolve(name);
            Files.createDirectories(model);
            Files.copy(FIXTURES.resolve(name).resolve("model.safetensors"), model.resolve("model.safetensors"));
            Files.writeString(model.resolve("config.json"), checkpoint.config().edited(edit::apply).toJson());
            assertThat(ModelConfig.of(ConfigTree.read(model.resolve("config.json"))))
                    .isEqualTo(ModelConfig.of(checkpoint.config()));
            return model;
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void whatFollowedFromTheNumberOfALayerIsWrittenDownWhenNumbersChange() {
        Path gemma = edited("gemma2", root -> root.remove("layer_types"));
        StackWriter writer = save(gemma, folder.resolve("gemma"));
        assertThat(writer.warnings()).singleElement().asString().contains("lists that say it were added");
        assertThat(ConfigTree.read(folder.resolve("gemma/config.json")).optionalStrings("layer_types").orElseThrow())
                .containsExactly("sliding_attention", "sliding_attention", "full_attention", "sliding_attention");
        assertWithoutLayer1("gemma2", folder.resolve("gemma"));

        Path smol = edited("smollm3", root -> root.put("no_rope_layer_interval", 2).remove("no_rope_layers"));
        save(smol, folder.resolve("smol"));
        assertWithoutLayer1("smollm3", folder.resolve("smol"));
    }

    @Test
    void configurationsOfTransformers4MeanTheSame() {
        edited("gemma3", root -> {
            root.remove("rope_parameters");
            root.put("rope_theta", 1_000_000.0).put("rope_local_base_freq", 10_000.0).putObject("rope_scaling")
                    .put("rope_type", "linear").put("factor", 8.0);
            root.remove("layer_types");
            root.put("sliding_window_pattern", 3);
        });
        edited("starcoder2", root -> root.put("rope_theta", 10_000.0).remove("rope_parameters"));
    }

    @Test
    void whatIsNotKnownOfALayerIsRefused() {
        assertRefused(root -> root.putArray("layer_types").add("chunked_attention").add("full_attention")
                .add("full_attention").add("full_attention").add("full_attention"),
                "layer_types says \"chunked_attention\" of layer 0, but known are full_attention and sliding_attention");
        assertRefused(root -> root.putArray("layer_types").add("full_attention"),
                "'layer_types' has 1 entries where 'num_hidden_layers' is 5");
        assertRefused(root -> root.put("sliding_window", 0), "sliding_window is 0.0, but must be a number of tokens");
        assertRefused(root -> root.put("use_bidirectional_attention", true), "use_bidirectional_attention is true");
        assertRefused(root -> root.put("model_type", "mamba"),
                "model_type is \"mamba\", which is none of the ");
    }

    private static void assertRefused(Edit edit, String message) {
        ConfigTree config = ConfigTree.read(FIXTURES.resolve("gemma2/config.json")).edited(edit::apply);
        assertThatThrownBy(() -> ModelConfig.of(config)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("config.json: ").hasMessageContaining(message);
    }
}
