package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Progress;
import dev.come.distill.DistillationOptions;
import dev.come.distill.TrainingSettings;
import dev.come.heal.Healing;
import dev.come.memory.Retained;
import dev.come.prune.ComeAuto;
import dev.come.prune.Methods;
import dev.come.prune.PruningMethod;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** After a job nobody holds a native object but what lives as long as the process. */
class HoldersTests {
    @TempDir
    private Path folder;
    private Run run;
    private int targets;

    @BeforeEach
    void prepare() throws Exception {
        run = new Run("llama-gqa", folder);
        run.samples = 24;
    }

    private void assertNothingIsHeldAfter(Job job) {
        job.to("first" + targets); // has the engine's operators looked up, which stay
        int open = Retained.open();
        job.to("second" + targets++);
        assertThat(Retained.open()).isEqualTo(open);
    }

    /** Does its work into a target of this name. */
    private interface Job {
        void to(String target);
    }

    @Test
    void pruningHoldsNothing() {
        run.perplexity = true;
        for (PruningMethod method : List.of(Methods.CONCAT_MERGE.method(), Methods.SLEB.method(),
                Methods.TAYLOR.method(),
                new ComeAuto(new ComeAuto.Options(ComeAuto.Options.DEFAULTS.barriers(), 2, 2, 1)))) {
            assertNothingIsHeldAfter(target -> run.job(target, Progress.NONE, List.of(method)).run());
        }
    }

    @Test
    void healingHoldsNothing() {
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        assertNothingIsHeldAfter(target -> run.to(target));
    }

    @Test
    void distillationHoldsNothing() {
        run.to("pruned");
        TrainingSettings settings = new TrainingSettings();
        settings.rate = 3e-3;
        DistillationOptions options = settings.options();
        assertNothingIsHeldAfter(target -> new DistillJob(new DistillJob.Options(run.target("pruned"), run.model,
                List.of(new DistillJob.Text(run.source(), 1)), run.windows, options, 0, run.perplexity(), run.choice(),
                run.saving(target),
                Resumption.GO_ON), Progress.NONE).run());
    }

    @Test
    void applyingHoldsNothing() {
        run.to("pruned");
        assertNothingIsHeldAfter(
                target -> ApplyJob.run(run.target("pruned/come.json"), run.model, OptionalInt.empty(), false,
                        run.saving(target), Progress.NONE));
    }
}
