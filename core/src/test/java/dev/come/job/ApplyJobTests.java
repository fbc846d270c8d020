package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.WordModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class ApplyJobTests {
    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
    }

    private void apply(Path plan, OptionalInt targetLayers) {
        ApplyJob.run(plan, run.model, targetLayers, false, run.saving("applied"), Progress.NONE);
    }

    @Test
    void thePlanMakesEveryFileAgain() {
        run.perplexity = true;
        run.to("out");
        apply(run.target("out/come.json"), OptionalInt.empty());
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("out")))
                .containsKeys("model.safetensors", "config.json", "come.json", "README.md", "tokenizer.json");
    }

    @Test
    void anEarlierNumberOfLayersGivesWhatARunToThatNumberGives() {
        run.to("out");
        run.targetLayers = 4;
        run.to("shorter");
        apply(run.target("out/come.json"), OptionalInt.of(4));
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("shorter")));
    }

    @Test
    void aNumberOfLayersThatTheRunNeverHadIsRefusedWithThoseThatItHad() {
        run.mergeItem = 3;
        run.targetLayers = 2;
        run.to("out");
        assertThatThrownBy(() -> apply(run.target("out/come.json"), OptionalInt.of(5)))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining("--target-layers is 5")
                .hasMessageContaining("[4, 2]");
        assertThat(run.target("applied")).doesNotExist();
    }

    @Test
    void anotherModelIsRefused() throws IOException {
        run.to("out");
        Run other = new Run("llama-mha", Files.createDirectory(folder.resolve("other")));
        assertThatThrownBy(() -> ApplyJob.run(run.target("out/come.json"), other.model, OptionalInt.empty(), false,
                other.saving("applied"), Progress.NONE)).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("come.json", other.model.toString(), "give the dense model");
        assertThat(WordModels.names(other.folder)).containsExactlyInAnyOrderElementsOf(other.inputs());
    }

    /** What is changed in the plan of a run from 6 layers to 5, and what the message says; every key is missing once. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "fingerprint" : "[0-9a-f]{64}" | "fingerprint" : "ABC" | "model.fingerprint" is "ABC", expected a SHA-256
            "fingerprint" : "[0-9a-f]{64}" | "fingerprint" : {} | "model.fingerprint" is {}, expected a SHA-256
            "fingerprint" : "[0-9a-f]{64}" | "fingerprint" : null | "model.fingerprint" is null
            "fingerprint" : " | "fingerprints" : " | "model.fingerprints" is no field
            "tool" | "tools" | "tools" is no field
            "tokens" : 4 | "tokens" : -4 | "calibration.tokens" is -4
            "special_token_in_front" : true | "special_token_in_front" : "yes" | "calibration.special_token_in_front" is
            "sources" : \\[ | "sources" : \\[ 7, | "calibration.sources\\[0\\]" is 7
            "dtype" : "float32" | "dtype" : 32 | "compute.dtype" is 32
            """)
    void aPlanWithDamagedSettingsIsRefused(String text, String damaged, String message) throws IOException {
        run.targetLayers = 5;
        run.to("out");
        String whole = Files.readString(run.target("out/come.json"));
        Path plan = run.target("damaged.json");
        Files.writeString(plan, whole.replaceFirst(text.replace("{}", ""), damaged));
        assertThat(plan).content().isNotEqualTo(whole);
        assertRefused(plan, message.replace("\\", ""));
    }

    @Test
    void aPlanThatLacksAnythingIsRefused() throws IOException {
        run.targetLayers = 5;
        run.to("out");
        JsonMapper json = new JsonMapper();
        ObjectNode whole = (ObjectNode) json.readTree(run.target("out/come.json"));
        Path plan = run.target("damaged.json");
        for (String parent : List.of("", "/model", "/calibration", "/compute", "/steps/0", "/nodes/m1",
                "/nodes/m1/shares/0")) {
            for (String key : List.copyOf(whole.at(parent).propertyNames())) {
                if (List.of("seed", "calibration").contains(key)) {
                    continue; // of methods that take no data
                }
                ObjectNode less = whole.deepCopy();
                ((ObjectNode) less.at(parent)).remove(key);
                Files.writeString(plan, less.toString());
                assertRefused(plan, key.equals("shares") ? "not made of two or more layers" : key);
            }
        }
    }

    private void assertRefused(Path plan, String message) {
        assertThatThrownBy(() -> apply(plan, OptionalInt.empty())).as(message).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(plan.toString()).hasMessageContaining(message).hasMessageNotContaining("\n");
        assertThat(run.target("applied")).doesNotExist();
    }

    @Test
    void aPlanWithoutStepsIsNoPrunedModel() throws IOException {
        run.to("out");
        ObjectNode none = (ObjectNode) new JsonMapper().readTree(run.target("out/come.json"));
        none.putArray("steps");
        none.putArray("evaluations");
        none.putObject("nodes");
        assertRefused(Files.writeString(run.target("none.json"), none.toString()), "has no steps");
    }

    /** The model has 6 layers, 2 key-value heads and 72 channels. */
    @ParameterizedTest
    @CsvSource({"'\"layers\" : 6', '\"layers\" : 60'", "'\"layers\" : 6', '\"layers\" : 2000000000'",
        "'\"key_value_heads\" : [ 0', '\"key_value_heads\" : [ 2'", "'\"channels\" : [ ', '\"channels\" : [ -3, '",
        "'\"channels\" : [ ', '\"channels\" : [ 71, 71, '"})
    void aPlanThatDoesNotFitTheModelIsRefused(String text, String damaged) throws IOException {
        run.to("out");
        Path plan = run.target("damaged.json");
        Files.writeString(plan,
                Files.readString(run.target("out/come.json")).replaceFirst(quoted(text), damaged));
        assertThat(plan).content().contains(damaged);
        assertThatThrownBy(() -> apply(plan, OptionalInt.empty())).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(plan.toString());
        assertThat(run.target("applied")).doesNotExist();
    }

    private static String quoted(String text) {
        return java.util.regex.Pattern.quote(text);
    }
}
