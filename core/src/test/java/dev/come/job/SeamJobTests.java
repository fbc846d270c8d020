package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.CountingProgress;
import dev.come.Progress;
import dev.come.WordModels;
import dev.come.generate.Sampling;
import dev.come.prune.Barriers;
import dev.come.prune.PruningMethod.Cost;
import dev.come.prune.PruningPlan;
import dev.come.prune.SeamAuto;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.Trained;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs of seam_auto. */
class SeamJobTests {
    private static final SeamAuto METHOD = new SeamAuto(
            new SeamAuto.Options(Barriers.ONE_EACH, 2, MergeNorms.FOLD, 2));

    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
        List<String> sentences = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            sentences.add(GenerateJob.run(run.model, "w" + (3 + i), new Sampling(24, 0.5, 0, 1, i),
                    new ComputeChoice("float32", "cpu", 1, 0), _ -> {
                    }));
        }
        run.sentences(sentences);
        run.targetLayers = 3;
    }

    private PruningPlan to(String name, Progress progress) {
        return run.job(name, progress, List.of(METHOD)).run().plan();
    }

    @Test
    void interruptedOrNotWithMoreThreadsOrLessMemoryItGivesTheSameBytesAndThePlanGivesThemAgain() {
        long seed = System.nanoTime();
        System.out.println("SeamJobTests: moments drawn with seed " + seed);
        CountingProgress none = new CountingProgress(Integer.MAX_VALUE);
        PruningPlan plan = to("whole", none);
        assertThat(plan.last().nodes()).anyMatch(Trained.class::isInstance);
        assertThat(plan.steps()).allSatisfy(step -> assertThat(step.scores()).containsKeys("candidate_predicted_error",
                "candidate_divergence"));
        new Random(seed).ints(3, 1, none.calls()).forEach(moment -> {
            assertThatThrownBy(() -> to("out", new CountingProgress(moment))).hasMessage("interrupted");
            to("out", Progress.NONE);
            assertThat(WordModels.hashes(run.target("out"))).as("moment " + moment + ", seed " + seed)
                    .isEqualTo(WordModels.hashes(run.target("whole")));
            run.overwrite = true;
        });
        ApplyJob.run(run.target("whole/come.json"), run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE);
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("whole")));
        run.threads = 2;
        run.memory = 4096;
        to("other", Progress.NONE);
        assertThat(WordModels.hashes(run.target("other"))).isEqualTo(WordModels.hashes(run.target("whole")));
    }

    /** Not by its time, which is measured anew for each. */
    @Test
    void theEstimateKnowsOfRepairs() {
        Cost few = new SeamAuto(new SeamAuto.Options(Barriers.ONE_EACH, 4, MergeNorms.FOLD, 1)).cost(6, 3);
        Cost many = new SeamAuto(new SeamAuto.Options(Barriers.ONE_EACH, 4, MergeNorms.FOLD, 9)).cost(6, 3);
        assertThat(many.layerRuns()).isGreaterThan(few.layerRuns());
        assertThat(many.headRuns()).isCloseTo(9 * few.headRuns(), within(1e-9));
    }
}
