package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailingProgress;
import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.UsageException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.TensorFile;
import dev.come.checkpoint.TensorSpec;
import dev.come.model.CausalLanguageModel;
import dev.come.model.ModelConfig;
import dev.come.prune.Manual;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A LoRA of the golden model llama-gqa that PEFT made (fixtures/adapter/make_adapter.py), on a model with fewer layers. */
class AdapterJobTests {
    private static final Path FIXTURE = Path.of("src/test/resources/fixtures/adapter").toAbsolutePath();
    private static final String PREFIX = "base_model.model.";

    @TempDir
    private Path folder;
    private Run run;
    private final FailingProgress progress = FailingProgress.counting();
    private final List<String> notes = progress.notes();

    @BeforeEach
    void makeModel() throws IOException {
        run = new Run("llama-gqa", folder);
        run.targetLayers = 4;
    }

    private void pruneByHand(Integer... layers) {
        run.targetLayers = 6 - layers.length;
        run.job("out", Progress.NONE, List.of(new Manual(new Manual.Options(List.of(layers))))).run();
    }

    private AdapterJob.Result adapter(Path lora, OptionalInt targetLayers) {
        return AdapterJob.run(lora, run.target("out/come.json"), targetLayers, Optional.empty(), run.target("adapter"),
                progress);
    }

    private AdapterJob.Result adapter() {
        return adapter(FIXTURE.resolve("lora"), OptionalInt.empty());
    }

    private static JsonNode config(Path adapter) throws IOException {
        return new JsonMapper().readTree(Files.readString(adapter.resolve("adapter_config.json")));
    }

    /** The fixture with another configuration. */
    private Path edited(Consumer<ObjectNode> edit) throws IOException {
        Path lora = Files.createDirectories(run.target("lora"));
        Files.copy(FIXTURE.resolve("lora/adapter_model.safetensors"), lora.resolve("adapter_model.safetensors"));
        ObjectNode config = (ObjectNode) config(FIXTURE.resolve("lora"));
        edit.accept(config);
        Files.writeString(lora.resolve("adapter_config.json"), config.toString());
        return lora;
    }

    /** Expected: what PEFT computes after the layers were deleted in memory. */
    @Test
    void itComputesWhatDeletingTheLayersInMemoryGives() throws IOException {
        pruneByHand(1, 4);
        AdapterJob.Result made = adapter();
        assertThat(made.kept()).containsExactly(0, 2, 3, 5);
        assertThat(made.dropped()).containsExactly(1, 4);
        assertLogits(merged(run.target("out"), run.target("adapter")), "without_1_4");
    }

    @Test
    void theFixtureOfAllLayersComputesWhatPeftComputes() throws IOException {
        assertLogits(merged(run.model, FIXTURE.resolve("lora")), "whole");
    }

    @Test
    void theConfigurationSpeaksOfTheNewNumbers() throws IOException {
        pruneByHand(1, 4);
        adapter();
        ObjectNode expected = (ObjectNode) config(FIXTURE.resolve("lora"));
        expected.put("base_model_name_or_path", run.target("out").toString());
        expected.putArray("layers_to_transform").add(0).add(2).add(3);
        expected.putObject("rank_pattern").put("model.layers.2.self_attn.q_proj", 3);
        expected.putObject("alpha_pattern").put("^model\\.layers\\.3\\.mlp\\.down_proj", 9).put("v_proj", 4);
        assertThat(config(run.target("adapter"))).isEqualTo(expected);
        assertThat(Files.readString(run.target("adapter/README.md")))
                .contains("Left out, because the layers are gone: 1, 4.", "| 3 | 5 |");
        assertThat(notes).singleElement().asString()
                .isEqualTo("Weights of the adapter that go with their layers: 1, 4");
    }

    /** A regular expression of layers, and names in full, become the modules that have weights. */
    @Test
    void targetsThatTellLayersApartAreNamedOneByOne() throws IOException {
        pruneByHand(1, 4);
        adapter(edited(root -> {
            root.put("target_modules", "model\\.layers\\.(0|1|3|4|5)\\..*(q_proj|v_proj|down_proj)");
            root.putNull("layers_to_transform");
        }), OptionalInt.empty());
        List<String> expected = Stream.of(0, 2, 3)
                .flatMap(layer -> Stream.of("mlp.down_proj", "self_attn.q_proj", "self_attn.v_proj")
                        .map(module -> "model.layers." + layer + "." + module))
                .toList();
        assertThat(config(run.target("adapter")).path("target_modules").valueStream().map(JsonNode::asString))
                .containsExactlyElementsOf(expected);
    }

    @Test
    void anEarlierStepHasOtherNumbersAndNoBase() throws IOException {
        pruneByHand(1, 4);
        AdapterJob.Result made = adapter(FIXTURE.resolve("lora"), OptionalInt.of(5));
        assertThat(made.dropped()).containsExactly(1);
        assertThat(config(run.target("adapter")).path("layers_to_transform").toString()).isEqualTo("[0,2,3,4]");
        assertThat(config(run.target("adapter")).path("base_model_name_or_path").isNull()).isTrue();
    }

    @Test
    void aMergedLayerWithWeightsIsRefusedByName() {
        run.to("out");
        assertThatThrownBy(this::adapter).isInstanceOf(InvalidInputException.class).message()
                .containsPattern("has weights for layer \\d, which is merged in \\[.*.*no adapter can follow a merge")
                .endsWith("train an adapter on the pruned model");
        assertThat(run.target("adapter")).doesNotExist();
    }

    @Test
    void aLayerThatWasRefittedIsTakenAndTold() {
        run.healing = Optional.of(dev.come.heal.Healing.Options.DEFAULTS);
        pruneByHand(1, 4);
        assertThat(adapter().kept()).hasSize(4);
        assertThat(notes).anySatisfy(note -> assertThat(note)
                .startsWith("Layers with other weights than those that the adapter was trained on"));
    }

    @Test
    void whatCannotBeFollowedIsRefusedByName() throws IOException {
        pruneByHand(1, 4);
        record Case(Consumer<ObjectNode> edit, String message) {}
        for (Case its : List.of(new Case(root -> root.put("peft_type", "IA3"), "peft_type is \"IA3\""),
                new Case(root -> root.putObject("rank_pattern").put("layers\\.[0-3]\\..*", 3), "rank_pattern has"),
                new Case(root -> root.putObject("alpha_pattern").put("layers.1.*", 3), "alpha_pattern has"),
                new Case(root -> root.putObject("alpha_pattern").put("3.self_attn.q_proj", 3), "alpha_pattern has"),
                new Case(root -> root.putObject("rank_pattern").put("layers.1.q_proj|layers.2.q_proj", 3),
                        "rank_pattern has"),
                new Case(root -> root.putArray("layers_to_transform").add(1).add(4),
                        "layers_to_transform names none of the layers that are left"),
                new Case(root -> root.putArray("layer_replication").addArray().add(0).add(3),
                        "layer_replication repeats layers"))) {
            Path lora = edited(its.edit());
            assertThatThrownBy(() -> adapter(lora, OptionalInt.empty())).isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining(lora.resolve("adapter_config.json") + ": " + its.message());
            assertThat(run.target("adapter")).doesNotExist();
            Files.delete(lora.resolve("adapter_model.safetensors"));
        }
    }

    @Test
    void aPickleIsRefused() throws IOException {
        pruneByHand(1, 4);
        Path lora = edited(_ -> {
        });
        Files.move(lora.resolve("adapter_model.safetensors"), lora.resolve("adapter_model.bin"));
        assertThatThrownBy(() -> adapter(lora, OptionalInt.empty())).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("adapter_model.bin is a pickle");
    }

    @Test
    void aFolderThatHoldsSomethingStays() throws IOException {
        pruneByHand(1, 4);
        Files.createDirectory(run.target("adapter"));
        Files.writeString(run.target("adapter/mine.txt"), "mine");
        assertThatThrownBy(this::adapter).isInstanceOf(UsageException.class)
                .hasMessageContaining("is not empty; give another folder");
        assertThat(run.target("adapter/mine.txt")).hasContent("mine");
    }

    @Test
    void anAdapterOfADeeperModelIsRefused() throws IOException {
        pruneByHand(1, 4);
        run.of(run.target("out")).target("out"); // the pruned model, of which the plan tells of four layers
        run.targetLayers = 3;
        run.job("smaller", Progress.NONE, List.of(new Manual(new Manual.Options(List.of(0))))).run();
        assertThatThrownBy(() -> AdapterJob.run(FIXTURE.resolve("lora"), run.target("smaller/come.json"),
                OptionalInt.empty(), Optional.empty(), run.target("adapter"), Progress.NONE))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("has weights for layer 5, but the dense model of the plan has the layers 0 to 3");
    }

    /** A model with the weights of an adapter added to its own, as PEFT adds them. */
    private Path merged(Path model, Path lora) throws IOException {
        Path merged = run.target("merged");
        JsonNode config = config(lora);
        try (Checkpoint dense = Checkpoint.open(model);
                TensorFile adapter = TensorFile.open(lora.resolve("adapter_model.safetensors"))) {
            List<TensorSpec> specs = dense.tensors().stream().map(info -> TensorSpec.like(info, info.name())).toList();
            new CheckpointWriter(merged, dense.config()).write(specs, spec -> {
                Tensor weight = dense.tensor(spec.name());
                String module = spec.name().replaceFirst("\\.weight$", "");
                if (adapter.contains(PREFIX + spec.name())) {
                    return adapter.tensor(PREFIX + spec.name());
                }
                if (!adapter.contains(PREFIX + module + ".lora_A.weight")) {
                    return weight;
                }
                Tensor a = adapter.tensor(PREFIX + module + ".lora_A.weight");
                double rank = matching(config, "rank_pattern", module, "r");
                assertThat((double) a.size(0)).as(module).isEqualTo(rank);
                double scale = matching(config, "alpha_pattern", module, "lora_alpha") / rank;
                return weight.add(adapter.tensor(PREFIX + module + ".lora_B.weight").matmul(a).mul(new Scalar(scale)));
            });
        }
        return merged;
    }

    private static double matching(JsonNode config, String patterns, String module, String otherwise) {
        return config.path(patterns).propertyStream()
                .filter(entry -> module.matches("(.*\\.)?(" + entry.getKey() + ")")).findFirst()
                .map(entry -> entry.getValue().asDouble()).orElse(config.path(otherwise).asDouble());
    }

    private static void assertLogits(Path model, String expected) {
        Path file = FIXTURE.resolve("expected.safetensors");
        int[] ids = Arrays.stream(Golden.tensor(file, "ids").values()).mapToInt(id -> (int) id).toArray();
        Golden.Values logits = Golden.tensor(file, expected);
        try (Checkpoint checkpoint = Checkpoint.open(model);
                CausalLanguageModel computed = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                        TestDevice.float32(1))) {
            float[][] actual = computed.logits(ids);
            for (int token = 0; token < ids.length; token++) {
                double[] row = logits.slice(token).values();
                for (int i = 0; i < row.length; i++) {
                    assertThat((double) actual[token][i]).as("token %d, logit %d", token, i).isCloseTo(row[i],
                            within(1e-4 + 1e-4 * Math.abs(row[i])));
                }
            }
        }
    }
}
