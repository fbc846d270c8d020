package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.WordModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ApplyJobTests {
    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
    }

    private void apply(Path plan, OptionalInt targetLayers) {
        ApplyJob.run(plan, run.model, targetLayers, run.saving("applied"), Progress.NONE);
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
        assertThatThrownBy(() -> ApplyJob.run(run.target("out/come.json"), other.model, OptionalInt.empty(),
                other.saving("applied"), Progress.NONE)).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("come.json", other.model.toString(), "give the dense model");
        assertThat(WordModels.names(other.folder)).containsExactlyInAnyOrderElementsOf(other.inputs());
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
