package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.CountingProgress;
import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.generate.Sampling;
import dev.come.heal.Healing;
import dev.come.prune.Barriers;
import dev.come.prune.ComeAuto;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.prune.Reverse;
import dev.come.prune.Sleb;
import dev.come.stack.LayerNode.Trained;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole runs that refit layers while they choose. */
class RefitJobTests {
    private static final PruningMethod METHOD = new ComeAuto(new ComeAuto.Options(Barriers.ONE_EACH, 2, 3, 2));

    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
        run.sentences(drawnByTheModel());
        run.targetLayers = 2;
    }

    /** Text that the model draws itself: on it, coming nearer to the model means a lower loss, random as its weights are. */
    private List<String> drawnByTheModel() {
        List<String> sentences = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            sentences.add(GenerateJob.run(run.model, "w" + (3 + i), new Sampling(24, 0.5, 0, 1, i),
                    new ComputeChoice("float32", "cpu", 1, 0), _ -> {
                    }));
        }
        return sentences;
    }

    private PruneJob.Result to(String name, Progress progress) {
        return run.job(name, progress, List.of(METHOD)).run();
    }

    private PruningPlan to(String name) {
        return to(name, Progress.NONE).plan();
    }

    @Test
    void theFolderHoldsWhatItsPlanTells() throws IOException {
        PruningPlan plan = to("out");
        assertThat(plan.last().nodes()).anyMatch(Trained.class::isInstance);
        for (int i = 0; i < plan.last().size(); i++) {
            if (plan.last().get(i) instanceof Trained trained) {
                assertThat(trained.position()).isEqualTo(i);
            }
        }
        assertThat(Files.readString(run.target("out/come.json"))).contains("\"refit\" : 2", "\"candidate_refit_loss\"",
                "\"candidate_refit_lambda_down\"", "\"refitted\"");
        assertThat(Files.readString(run.target("out/README.md"))).contains(", refitted ");
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(run.inputsAnd("out"));
        ApplyJob.run(run.target("out/come.json"), run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE);
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("out")));
    }

    /** Of an earlier step only the recipes are there, unless its model was saved. */
    @Test
    void earlierStepsAreMadeFromTheirOwnFolders() {
        run.continueSaving = true;
        run.perplexity = true;
        PruningPlan plan = to("out");
        int refitted = plan.steps().stream()
                .filter(step -> step.stack().nodes().stream().anyMatch(Trained.class::isInstance))
                .mapToInt(step -> step.stack().size()).max().orElseThrow();
        assertThat(refitted).isGreaterThan(2);
        for (int layers = 2; layers < 6; layers++) {
            ApplyJob.run(run.target("out/" + layers + "-layers/come.json"), run.model, OptionalInt.empty(), false,
                    run.saving("applied" + layers), Progress.NONE);
            assertThat(WordModels.hashes(run.target("applied" + layers)))
                    .isEqualTo(WordModels.hashes(run.target("out/" + layers + "-layers")));
        }
        assertThatThrownBy(() -> ApplyJob.run(run.target("out/2-layers/come.json"), run.model,
                OptionalInt.of(refitted), false, run.saving("other"), Progress.NONE))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("trained weights", "--continue-saving");
        assertThat(run.target("other")).doesNotExist();
    }

    /** At random moments, and at the last ones: when the model has its name but the run has not ended. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRunInterruptedAtAnyMomentEndsWithTheSameBytes(boolean healed) {
        long seed = System.nanoTime();
        System.out.println("RefitJobTests: moments drawn with seed " + seed);
        run.healing = healed ? Optional.of(Healing.Options.DEFAULTS) : Optional.empty();
        CountingProgress none = new CountingProgress(Integer.MAX_VALUE);
        to("whole", none);
        SortedMap<String, String> whole = WordModels.hashes(run.target("whole"));
        IntStream moments = IntStream.concat(new Random(seed).ints(8, 1, none.calls()),
                IntStream.rangeClosed(none.calls() - 1, none.calls()));
        moments.forEach(moment -> {
            assertThatThrownBy(() -> to("out", new CountingProgress(moment))).hasMessage("interrupted");
            to("out");
            assertThat(WordModels.hashes(run.target("out"))).as("moment " + moment + ", seed " + seed)
                    .isEqualTo(whole);
            assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(run.inputsAnd("whole", "out"));
            run.overwrite = true;
        });
    }

    @Test
    void threadsAndMemoryChangeNoByte() {
        to("one");
        run.threads = 2;
        run.memory = 4096;
        to("other");
        assertThat(WordModels.hashes(run.target("other"))).isEqualTo(WordModels.hashes(run.target("one")));
    }

    @Test
    void whatWasRefittedIsHealedAsAnyModel() {
        run.targetLayers = 4;
        to("out");
        PruningPlan healed = new HealJob(new HealJob.Options(run.target("out"), run.model, Healing.Options.DEFAULTS,
                run.calibration(), run.perplexity(), run.choice(), run.saving("afterwards"), run.resumption),
                Progress.NONE).run()
                .plan();
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        assertThat(to("healed").last()).isEqualTo(healed.last());
        assertThat(WordModels.hashes(run.target("afterwards"))).isEqualTo(WordModels.hashes(run.target("healed")));
        ApplyJob.run(run.target("healed/come.json"), run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE);
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("healed")));
    }

    @Test
    void besideOtherMethodsItFindsTheSame() {
        to("alone");
        List<PruningMethod> methods = List.of(new Reverse(Reverse.Options.DEFAULTS), METHOD,
                new Sleb(Sleb.Options.DEFAULTS));
        PruneJob.Results results = run.job("all", Progress.NONE, methods).runAll();
        assertThat(results.failures()).isEmpty();
        assertThat(WordModels.hashes(run.target("all/come_auto"))).isEqualTo(WordModels.hashes(run.target("alone")));
        PruneJob.Results again = run.job("all", Progress.NONE, methods).runAll();
        assertThat(again.results()).allMatch(PruneJob.Result::resumed);
        assertThat(again.results()).extracting(PruneJob.Result::calibrationLoss)
                .isEqualTo(results.results().stream().map(PruneJob.Result::calibrationLoss).toList());
    }

    @Test
    void aRunWithoutRefitsIsNotGoneOnWith() {
        assertThatThrownBy(() -> to("out", new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                return _ -> {
                };
            }

            @Override
            public void note(String line) {
                if (line.startsWith("Step 1: ")) {
                    throw new FailedException("interrupted");
                }
            }
        })).hasMessage("interrupted");
        PruneJob other = run.job("out", Progress.NONE,
                List.of(new ComeAuto(new ComeAuto.Options(Barriers.ONE_EACH, 2, 3, 0))));
        assertThatThrownBy(other::run).isInstanceOf(UsageException.class).hasMessageContaining("options.refit: 2");
    }

    @Test
    void tooLittleTextIsRefusedBeforeTheWork() throws IOException {
        run.sentences(List.of("w3 w4 w5 w6", "w5 w6 w7 w8"));
        assertThatThrownBy(() -> to("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--refit", "2 sequences", "--nsamples");
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(run.inputs());
    }

    @Test
    void theEstimateKnowsOfIt() {
        Estimate with = estimate(METHOD);
        Estimate without = estimate(new ComeAuto(new ComeAuto.Options(Barriers.ONE_EACH, 2, 3, 0)));
        assertThat(with.memoryBytes()).isGreaterThan(without.memoryBytes());
        assertThat(with.temporaryBytes()).isGreaterThan(without.temporaryBytes());
        assertThat(with.least()).isLessThan(with.most());
    }

    private Estimate estimate(PruningMethod method) {
        return run.job("out", Progress.NONE, List.of(method)).estimate().byMethod().firstEntry().getValue();
    }
}
