package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.distill.Level;
import dev.come.distill.TrainingSettings;
import dev.come.heal.Healing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.SortedMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No job replaces a folder that holds what it reads, or what this program has not written. */
class OverwriteTests {
    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeModel() throws IOException {
        run = new Run("llama-gqa", folder);
        run.to("out");
        run.overwrite = true;
    }

    /** Nothing changes, and the message names what would be lost. */
    private void assertKept(ThrowingCallable job, String named) {
        SortedMap<String, String> before = WordModels.hashes(folder);
        assertThatThrownBy(job).isInstanceOf(UsageException.class)
                .hasMessageContainingAll(run.target("out") + " is not replaced", named);
        assertThat(WordModels.hashes(folder)).isEqualTo(before);
    }

    @Test
    void whatWasPrunedBeforeIsReplaced() {
        SortedMap<String, String> before = WordModels.hashes(run.target("out"));
        run.targetLayers = 4;
        run.to("out");
        assertThat(WordModels.hashes(run.target("out"))).isNotEqualTo(before).containsOnlyKeys(before.keySet());
    }

    @Test
    void aTextThatIsReadStaysEvenIfItIsCalledLikeAFileOfAModel() throws IOException {
        Path inside = Files.copy(folder.resolve("text.txt"), run.target("out").resolve("NOTICE.txt"));
        assertKept(() -> run.readingFrom(inside).to("out"), inside + ", which this run reads");
        run.readingFrom(folder.resolve("text.txt"));
        run.to("out");
        assertThat(inside).doesNotExist();
    }

    @Test
    void aTextThatIsMeasuredOnStays() throws IOException {
        Path inside = Files.copy(folder.resolve("text.txt"), run.target("out").resolve("NOTICE.txt"));
        run.perplexityTexts = List.of(inside);
        assertKept(() -> run.to("out"), inside + ", which this run reads");
    }

    @Test
    void whatSomebodyHasPutThereStays() throws IOException {
        Files.writeString(run.target("out").resolve("thesis.tex"), "years");
        assertKept(() -> run.to("out"), "thesis.tex");
    }

    @Test
    void thePlanThatIsAppliedStays() {
        assertKept(() -> ApplyJob.run(run.target("out").resolve("come.json"), run.model, OptionalInt.empty(), false,
                run.saving("out"), Progress.NONE), "come.json, which this run reads");
    }

    @Test
    void theModelThatIsHealedStays() {
        assertKept(() -> new HealJob(new HealJob.Options(run.target("out"), run.model, Healing.Options.DEFAULTS,
                run.calibration(), run.perplexity(), run.choice(), run.saving("out"), run.resumption), Progress.NONE)
                .run(), run.target("out") + ", which this run reads");
        TrainingSettings training = new TrainingSettings();
        training.level = Level.LAYER;
        training.tokens = 64;
        assertKept(() -> new DistillJob(
                new DistillJob.Options(run.target("out"), run.model, List.of(new DistillJob.Text(run.source(), 1)),
                        run.windows, training.options(), 0, run.perplexity(), run.choice(), run.saving("out"),
                        run.resumption),
                Progress.NONE).run(), run.target("out") + ", which this run reads");
    }
}
