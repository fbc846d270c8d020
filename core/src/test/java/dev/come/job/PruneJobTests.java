package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.WideModels;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStack;
import dev.come.text.Sequences;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class PruneJobTests {
    static final List<String> MODELS = Golden.MODELS;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @FieldSource("MODELS")
    void thePrunedFolderOpensAndGivesTheLogitsOfTheStackInMemory(String golden) throws IOException {
        Run run = new Run(golden, folder);
        SortedMap<String, String> source = WordModels.hashes(run.model);
        PruningPlan plan = run.to("out").plan();
        assertThat(plan.last().size()).isEqualTo(3);
        Sequences input = Golden.sequences("ids_b", "");
        try (Checkpoint dense = Checkpoint.open(run.model); Checkpoint pruned = Checkpoint.open(run.target("out"))) {
            assertThat(WideModels.logits(pruned, LayerStack.dense(3), input))
                    .isDeepEqualTo(WideModels.logits(dense, plan.last(), input));
        }
        assertThat(WordModels.hashes(run.model)).as("the source").isEqualTo(source);
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(run.inputsAnd("out"));
    }

    @Test
    void threadsAndMemoryChangeNoByte() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.perplexity = true;
        run.to("out");
        run.threads = 3;
        run.memory = 0;
        run.to("again");
        assertThat(WordModels.hashes(run.target("again"))).isEqualTo(WordModels.hashes(run.target("out")));
    }

    @Test
    void perplexityIsMeasuredBeforeAndAfter() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.perplexity = true;
        PruningPlan plan = run.to("out").plan();
        assertThat(plan.evaluations()).extracting(Measurement::layers).containsExactly(6, 3);
        assertThat(Files.readString(run.target("out").resolve("README.md"))).contains(plan.evaluations().stream()
                .map(evaluation -> String.format(Locale.ROOT, "%.3f", evaluation.value())).toArray(String[]::new));
    }

    @Test
    void everyStepCanBeSavedAndIsWhatARunToThatManyLayersGives() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.continueSaving = true;
        assertThat(run.to("steps").folders()).extracting(Path::getFileName).extracting(Path::toString)
                .containsExactly("5-layers", "4-layers", "3-layers");
        run.continueSaving = false;
        run.targetLayers = 4;
        run.to("out");
        assertThat(WordModels.hashes(run.target("steps/4-layers"))).isEqualTo(WordModels.hashes(run.target("out")));
    }

    @Test
    void savedStepsAreReplacedOnlyWhenAskedFor() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.continueSaving = true;
        run.to("steps");
        SortedMap<String, String> before = WordModels.hashes(folder);
        run.samples = 5;
        assertThatThrownBy(() -> run.to("steps")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("3-layers is not empty", "--overwrite");
        assertThat(WordModels.hashes(folder)).isEqualTo(before);
        run.overwrite = true;
        run.to("steps");
        assertThat(WordModels.hashes(folder)).isNotEqualTo(before).hasSameSizeAs(before);
    }

    @Test
    void aRunThatCannotGoOnLeavesNothing() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.withoutRepeat = true;
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(NothingToDoException.class)
                .hasMessageContaining("--wo-repeat: every window of adjacent layers");
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(run.inputs());
    }

    @Test
    void aModelOfOneLayerCannotBePruned() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.targetLayers = 1;
        run.to("one");
        Run again = new Run("llama-mha", folder.resolve("again"));
        assertThatThrownBy(() -> again.of(run.target("one")).to("none")).isInstanceOf(NothingToDoException.class)
                .hasMessageContaining("one layer");
    }

    @Test
    void aTargetBelowAFileIsRefusedBeforeTheWork() throws IOException {
        Run run = new Run("llama-gqa", folder);
        assertThatThrownBy(() -> run.to("text.txt/out")).isInstanceOf(UsageException.class)
                .hasMessageContaining("text.txt");
    }
}
