package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FamilyDescriptions;
import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.job.FamilyDescription;
import dev.come.model.CausalLanguageModel;
import dev.come.model.FamilyFile;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Families that a user describes. The fixtures of known families are of an unknown type here and described from Llama, so what is
 * expected is what transformers computes of them.
 */
class FamilyFileTests {
    @TempDir
    private Path folder;

    private Path described(String fixture, String json) throws IOException {
        Path model = Files.createDirectory(folder.resolve(fixture));
        Path known = Golden.familyModel(fixture);
        Files.copy(known.resolve("model.safetensors"), model.resolve("model.safetensors"));
        Files.writeString(model.resolve("config.json"), ConfigTree.read(known.resolve("config.json"))
                .edited(root -> root.put("model_type", "mine")).toJson());
        Files.writeString(model.resolve(FamilyFile.NAME), json);
        return model;
    }

    private static void assertLogits(Path model, String fixture, String expected) {
        Path file = Golden.familyModel(fixture).resolve("expected.safetensors");
        int[] ids = Arrays.stream(Golden.tensor(file, "ids").values()).mapToInt(id -> (int) id).toArray();
        Golden.Values values = Golden.tensor(file, expected);
        try (Checkpoint checkpoint = UsualNames.open(model);
                CausalLanguageModel runs = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                        TestDevice.float32(1))) {
            float[][] logits = runs.logits(ids);
            for (int token = 0; token < ids.length; token++) {
                double[] row = values.slice(token).values();
                for (int i = 0; i < row.length; i++) {
                    assertThat((double) logits[token][i]).isCloseTo(row[i], within(1e-4 + 1e-4 * Math.abs(row[i])));
                }
            }
        }
    }

    private void assertComputedAndPruned(String fixture, String json) throws IOException {
        Path model = described(fixture, json);
        assertLogits(model, fixture, "logits");
        Path saved = folder.resolve("saved");
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            new StackWriter(store, LayerStack.dense(store.config().layers()).without(1, 1))
                    .write(tree -> new CheckpointWriter(saved, tree));
        }
        assertThat(saved.resolve(FamilyFile.NAME)).hasSameBinaryContentAs(model.resolve(FamilyFile.NAME));
        assertLogits(saved, fixture, "without_1");
    }

    @Test
    void otherNamesAreDescribed() throws IOException {
        assertComputedAndPruned("exaone", FamilyDescriptions.EXAONE);
    }

    @Test
    void anotherNormAndTraitsAreDescribed() throws IOException {
        assertComputedAndPruned("gemma", FamilyDescriptions.GEMMA);
    }

    @Test
    void partsThatDependOnKeysAreDescribed() throws IOException {
        assertComputedAndPruned("seed_oss", FamilyDescriptions.SEED_OSS);
    }

    @Test
    void keysOfAnotherNameAndWindowsAreDescribedFromAnyFamily() throws IOException {
        assertComputedAndPruned("starcoder2", FamilyDescriptions.STARCODER2);
    }

    @Test
    void aDescriptionIsTold() throws IOException {
        Path file = Files.writeString(folder.resolve("family.json"), FamilyDescriptions.SEED_OSS);
        assertThat(FamilyDescription.of(file).lines()).contains("model_type mine",
                "layers model.layers.N, norms of the kind rms",
                "  query_bias: self_attn.q_proj.bias (only if attention_bias)", "  attention_out_bias: false",
                "  head_dim: 128", "  rope_theta: 10000.0");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"model_type\": \"mine\"} | is missing; it must be a text",
        "{\"model_type\": \"mine\", \"like\": \"bert\"} | like is \"bert\", but must be a family that",
        "{\"model_type\": \"qwen2\", \"like\": \"llama\"} | which is a known family, and cannot be described anew",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"layers\": 3} | there is a field layers, but known are",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"names\": {\"tail\": \"x\"}} | there is a field names.tail",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"parts\": {\"wings\": \"x\"}} | parts has \"wings\", but known are attention_norm",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"parts\": {\"query\": null}} | parts has no query",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"parts\": {\"query\": \"../q\"}} | names of tensors are words joined by dots",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"parts\": {\"query\": \"a.w\", \"down\": \"a.w\"}} | query and down one name",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"parts\": {\"attention_norm_bias\": \"a.b\"}} | norms with biases are of the kind layer",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"parts\": {\"gate\": null}} | parts has gate_bias without what it belongs to",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"norm\": \"batch\"} | norm has \"batch\", but known are rms, rms_plus_one, layer",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"traits\": [\"fast\"]} | traits has \"fast\", but known are scaled_embedding",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"keys\": {\"colour\": \"c\"}} | keys names \"colour\", which llama does not",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"defaults\": {\"colour\": 1}} | defaults names \"colour\", which no model here",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"defaults\": {\"head_dim\": 64.5}} | defaults.head_dim is 64.5, but must be a whole",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"defaults\": {\"rope_theta\": \"a\"}} | defaults.rope_theta is a, but must be a number",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"only_if\": {\"x\": [\"query_bias\"]}} | only_if names the key x; say in defaults",
        "{\"model_type\": \"mine\", \"like\": \"llama\", \"only_if\": {\"x\": [\"query_norm\"]}} | only_if.x names query_norm, which has no name"})
    void whatDescribesNoFamilyIsRefused(String json, String message) throws IOException {
        Path file = Files.writeString(folder.resolve("family.json"), json);
        assertThatThrownBy(() -> FamilyDescription.of(file)).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(file.toString()).hasMessageContaining(message);
    }

    /** A run that was interrupted must not go on with another description. */
    @Test
    void theDescriptionIsPartOfTheModel() throws IOException {
        Path model = described("gemma", FamilyDescriptions.GEMMA);
        String before;
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            before = checkpoint.fingerprint();
        }
        Files.writeString(model.resolve(FamilyFile.NAME), FamilyDescriptions.GEMMA.replace("rms_plus_one", "rms"));
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            assertThat(checkpoint.fingerprint()).isNotEqualTo(before);
        }
    }

    @Test
    void aDescriptionOfAnotherTypeIsNoneOfThisModel() throws IOException {
        Path model = described("gemma", FamilyDescriptions.GEMMA.replace("mine", "other"));
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            assertThatThrownBy(() -> ModelConfig.of(checkpoint)).isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("model_type is \"mine\", which is none of the ")
                    .hasMessageContaining("come-family.json");
        }
    }
}
