package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailedException;
import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.JsonRules;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.TinyLlama;
import dev.come.UsageException;
import dev.come.WideModels;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.distill.Curve;
import dev.come.distill.TrainingSettings;
import dev.come.evaluate.Perplexity;
import dev.come.generate.Sampling;
import dev.come.heal.Healing;
import dev.come.prune.ConcatMerge;
import dev.come.prune.Measurement;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.prune.Reverse;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Healing as a part of {@code come prune} and by itself. */
class HealJobTests {
    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
        run.sentences(drawnByTheModel());
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

    private HealJob heal(Path pruned, Path teacher, String target) {
        return heal(pruned, teacher, target, Progress.NONE);
    }

    private HealJob heal(Path pruned, Path teacher, String target, Progress progress) {
        return new HealJob(new HealJob.Options(pruned, teacher, Healing.Options.DEFAULTS, run.calibration(),
                run.perplexity(), run.choice(), run.saving(target), run.resumption), progress);
    }

    private static void assertSameModel(Path one, Path other) {
        assertThat(WordModels.hashes(one)).isEqualTo(WordModels.hashes(other));
    }

    @Test
    void aModelHealedAfterwardsIsTheOneHealedWhenItWasPruned() {
        run.to("pruned");
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        PruningPlan plan = run.to("healed").plan();
        assertThat(plan.last().nodes()).anyMatch(Trained.class::isInstance);
        heal(run.target("pruned"), run.model, "afterwards").run();
        assertSameModel(run.target("afterwards"), run.target("healed"));
        assertThat(WordModels.names(folder))
                .containsExactlyInAnyOrderElementsOf(run.inputsAnd("pruned", "healed", "afterwards"));
    }

    @Test
    void whatWasMeasuredIsTheSameInBothRecords() {
        run.perplexity = true;
        run.to("pruned");
        heal(run.target("pruned"), run.model, "afterwards").run();
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        run.to("healed");
        assertSameModel(run.target("afterwards"), run.target("healed"));
    }

    @Test
    void aHealedModelCanBeTrainedAfterwards() {
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        PruningPlan healed = run.to("healed").plan();
        DistillJob.Result trained = distill("healed", "trained");
        Curve curve = trained.trained().modelCurve().orElseThrow();
        assertThat(curve.best().loss()).isLessThan(curve.start().loss());
        assertThat(trained.plan().steps()).hasSize(healed.steps().size() + 1);
        assertThat(trained.plan().last().nodes()).anyMatch(Trained.class::isInstance);
        ApplyJob.run(run.target("trained/come.json"), run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE);
        assertSameModel(run.target("applied"), run.target("trained"));
    }

    @Test
    void theRecordTellsWhatThePrunedModelWas() throws IOException {
        run.perplexity = true;
        PruningPlan pruned = run.to("pruned").plan();
        PruningPlan healed = heal(run.target("pruned"), run.model, "healed").run().plan();
        assertThat(pruned.evaluations()).extracting(Measurement::layers).containsExactly(6, 3);
        Measurement before = pruned.evaluations().getLast();
        new JsonRules("dev.come.prune.PlanJson").check(run.target("healed/come.json"));
        JsonNode record = PruningPlan.read(run.target("healed/come.json")).settings().at("/healing/evaluations_before");
        assertThat(record.size()).isEqualTo(1);
        assertThat(record.at("/0/metric").asString()).isEqualTo(before.metric());
        assertThat(record.at("/0/value").asDouble()).isEqualTo(before.value());
        assertThat(healed.evaluations().getLast().value()).isLessThan(before.value());
    }

    private DistillJob.Result distill(String pruned, String target) {
        TrainingSettings training = new TrainingSettings();
        training.batchTokens = 128;
        training.validationTokens = 128;
        training.evaluateEvery = 2;
        return new DistillJob(
                new DistillJob.Options(run.target(pruned), run.model, List.of(new DistillJob.Text(run.source(), 1)),
                        WindowLength.of(32), training.options(), 0,
                        run.perplexity(), run.choice(), run.saving(target), run.resumption),
                Progress.NONE).run();
    }

    @Test
    void theHealedFolderHoldsWhatItsPlanTells() throws IOException {
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        run.perplexity = true;
        PruneJob.Result result = run.to("healed");
        PruningPlan plan = PruningPlan.read(run.target("healed").resolve("come.json"));
        assertThat(plan.settings().path("healing").path("heal_targets").asString()).isEqualTo("down_and_output");
        assertThat(plan.settings().path("healing").path("calibration").path("sequences").asInt()).isPositive();
        assertThat(plan.steps().getLast().scores()).containsKeys("held_out_error_before", "held_out_error_after",
                "lambda_o", "lambda_down", "held_out_loss_dense_before_after");
        assertThat(result.healing()).isPositive();
        assertThat(Files.readString(run.target("healed").resolve("README.md"))).contains("refitted");

        ApplyJob.run(run.target("healed/come.json"), run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE);
        assertSameModel(run.target("applied"), run.target("healed"));
        run.perplexity = false;
        try (Checkpoint pruned = Checkpoint.open(run.target("healed"))) {
            assertThat(WideModels.logits(pruned, LayerStack.dense(3), Golden.sequences("ids_b", ""))).isNotEmpty();
        }
    }

    @Test
    void healingAfterwardsMeasuresAllThree() {
        run.perplexity = true;
        PruningPlan pruned = run.to("pruned").plan();
        HealJob.Result healed = heal(run.target("pruned"), run.model, "healed").run();
        List<Double> values = healed.perplexities().getFirst().stream().map(Perplexity::value).toList();
        assertThat(values).hasSize(3);
        assertThat(values.subList(0, 2))
                .isEqualTo(pruned.evaluations().stream().map(Measurement::value).toList());
        assertThat(values.get(2)).isNotEqualTo(values.get(1));
        assertThat(healed.plan().evaluations()).extracting(Measurement::value).containsExactly(values.get(0),
                values.get(2));
        Perplexity last = healed.perplexities().getFirst().getLast();
        double[] losses = last.windowLosses().stream().mapToDouble(Double::doubleValue).toArray();
        double mean = Arrays.stream(losses).average().orElseThrow();
        double variance = Arrays.stream(losses).map(loss -> (loss - mean) * (loss - mean)).sum() / (losses.length - 1);
        assertThat(losses.length).isGreaterThan(1);
        assertThat(healed.plan().evaluations().getLast().logError().orElseThrow())
                .isCloseTo(Math.sqrt(variance / losses.length), within(1e-12));
    }

    @Test
    void ofEveryStepTheLastIsHealed() {
        run.continueSaving = true;
        run.to("steps");
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        run.perplexity = true;
        assertThat(run.to("healed").folders()).hasSize(3);
        run.continueSaving = false;
        run.to("last");
        assertThat(WordModels.hashes(run.target("healed/4-layers")).get("model.safetensors"))
                .isEqualTo(WordModels.hashes(run.target("steps/4-layers")).get("model.safetensors"));
        assertThat(WordModels.hashes(run.target("healed/3-layers")).get("model.safetensors"))
                .isEqualTo(WordModels.hashes(run.target("last")).get("model.safetensors"))
                .isNotEqualTo(WordModels.hashes(run.target("steps/3-layers")).get("model.safetensors"));
    }

    @Test
    void severalMethodsAreHealedEachByItself() {
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        List<PruningMethod> methods = List.of(new ConcatMerge(ConcatMerge.Options.DEFAULTS),
                new Reverse(Reverse.Options.DEFAULTS));
        PruneJob.Results results = run.job("all", Progress.NONE, methods).runAll();
        assertThat(results.failures()).isEmpty();
        for (PruningMethod method : methods) {
            run.job(method.name(), Progress.NONE, List.of(method)).run();
            assertSameModel(run.target("all/" + method.name()), run.target(method.name()));
        }
        PruneJob.Results again = run.job("all", Progress.NONE, methods).runAll();
        assertThat(again.results()).allMatch(PruneJob.Result::resumed);
        assertThat(again.results()).extracting(PruneJob.Result::calibrationLoss)
                .isEqualTo(results.results().stream().map(PruneJob.Result::calibrationLoss).toList());
    }

    /** Counts how often progress is told, fails at the n-th time, and keeps the notes. */
    private static final class Counting implements Progress {
        private final int last;
        private final List<String> notes = new ArrayList<>();
        private String lastWork = "never begun";
        private int calls;
        /** Of layers over chunks, while layers are healed. */
        private long layerRuns;

        Counting(int last) {
            this.last = last;
        }

        private synchronized void count() {
            if (++calls == last) {
                throw new FailedException("interrupted");
            }
        }

        @Override
        public Task begin(String what, long total, String unit) {
            count();
            if (what.startsWith(lastWork)) {
                throw new FailedException("interrupted");
            }
            return steps -> {
                count();
                layerRuns += what.startsWith("healing ") ? steps : 0;
            };
        }

        @Override
        public void note(String line) {
            notes.add(line);
            count();
        }
    }

    @Test
    void aRunInterruptedAtAnyMomentEndsWithTheSameBytes() throws IOException {
        long seed = System.nanoTime();
        System.out.println("HealJobTests: moments drawn with seed " + seed);
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        Counting whole = new Counting(Integer.MAX_VALUE);
        run.to("whole", whole);
        for (int moment : new Random(seed).ints(5, whole.calls / 2, whole.calls).toArray()) {
            assertThatThrownBy(() -> run.to("out", new Counting(moment))).hasMessage("interrupted");
            run.to("out");
            assertSameModel(run.target("out"), run.target("whole"));
            run.overwrite = true;
        }
    }

    /** At random moments while layers are fitted, and at the last ones. */
    @Test
    void aHealingInterruptedAtAnyMomentGoesOnAndEndsWithTheSameBytes() {
        run.to("pruned");
        run.perplexity = true;
        Counting whole = new Counting(Integer.MAX_VALUE);
        heal(run.target("pruned"), run.model, "whole", whole).run();
        long seed = System.nanoTime();
        System.out.println("HealJobTests: moments drawn with seed " + seed);
        IntStream.concat(new Random(seed).ints(5, 1, whole.calls), IntStream.rangeClosed(whole.calls - 1, whole.calls))
                .forEach(moment -> {
                    assertThatThrownBy(
                            () -> heal(run.target("pruned"), run.model, "out", new Counting(moment)).run())
                            .hasMessage("interrupted");
                    heal(run.target("pruned"), run.model, "out").run();
                    assertThat(WordModels.hashes(run.target("out"))).as("moment " + moment + ", seed " + seed)
                            .isEqualTo(WordModels.hashes(run.target("whole")));
                    assertThat(WordModels.names(folder))
                            .containsExactlyInAnyOrderElementsOf(run.inputsAnd("pruned", "whole", "out"));
                    run.overwrite = true;
                });
    }

    @Test
    void layersThatAreFittedAreNotFittedAgain() {
        run.to("pruned");
        Counting whole = new Counting(Integer.MAX_VALUE);
        heal(run.target("pruned"), run.model, "whole", whole).run();
        Counting interrupted = new Counting(Integer.MAX_VALUE);
        interrupted.lastWork = "checking the healed layers";
        assertThatThrownBy(() -> heal(run.target("pruned"), run.model, "out", interrupted).run())
                .hasMessage("interrupted");
        Counting resumed = new Counting(Integer.MAX_VALUE);
        heal(run.target("pruned"), run.model, "out", resumed).run();
        assertThat(interrupted.layerRuns).isEqualTo(whole.layerRuns);
        assertThat(resumed.layerRuns).isLessThan(whole.layerRuns);
        assertThat(resumed.notes).contains("Going on with the interrupted run");
        assertSameModel(run.target("out"), run.target("whole"));
    }

    @Test
    void aHealingWithOtherSettingsIsRefusedByTheirNamesAndRestartDiscardsIt() {
        run.to("pruned");
        assertThatThrownBy(() -> heal(run.target("pruned"), run.model, "out", new Counting(20)).run())
                .hasMessage("interrupted");
        assertThat(run.target(".out.come-heal/come.json")).exists();
        HealJob other = new HealJob(new HealJob.Options(run.target("pruned"), run.model,
                new Healing.Options(Healing.Scope.CUT, Healing.Targets.DOWN), run.calibration(), run.perplexity(),
                run.choice(), run.saving("out"), Resumption.GO_ON), Progress.NONE);
        assertThatThrownBy(other::run).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("healing.heal_scope: \"all\" / \"cut\"", "healing.heal_targets", "--restart");
        heal(run.target("pruned"), run.model, "whole").run();
        run.resumption = Resumption.RESTART;
        heal(run.target("pruned"), run.model, "out").run();
        assertSameModel(run.target("out"), run.target("whole"));
        assertThat(WordModels.names(folder))
                .containsExactlyInAnyOrderElementsOf(run.inputsAnd("pruned", "whole", "out"));
    }

    /** Both would be written to the same folder, and each knows only its own state. */
    @Test
    void noJobTouchesTheStateOfAnother() {
        run.to("pruned");
        assertThatThrownBy(() -> run.to("out", new Counting(20))).hasMessage("interrupted");
        SortedMap<String, String> state = WordModels.hashes(run.target(".out.come-prune"));
        assertThat(state).containsKey("come.json");
        assertThatThrownBy(() -> heal(run.target("pruned"), run.model, "out", new Counting(20)).run())
                .hasMessage("interrupted");
        distill("pruned", "out");
        assertThat(WordModels.hashes(run.target(".out.come-prune"))).isEqualTo(state);
        assertThat(run.target(".out.come-heal/come.json")).exists();
    }

    @Test
    void aRunHealedInAnotherWayIsNotGoneOnWith() {
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        assertThatThrownBy(() -> run.to("out", new Counting(25))).hasMessage("interrupted");
        run.healing = Optional.empty();
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(UsageException.class).hasMessageContaining("healing");
    }

    @Test
    void tooLittleTextIsRefusedBeforeTheWork() throws IOException {
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        run.sentences(List.of("w3 w4 w5 w6"));
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--heal", "--nsamples");
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(run.inputs());
    }

    private void assertRefused(HealJob job, String... message) {
        List<String> before = List.copyOf(WordModels.names(folder));
        assertThatThrownBy(job::run).isInstanceOf(InvalidInputException.class).hasMessageContainingAll(message);
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(before);
    }

    @Test
    void aFolderWithoutAPlanIsRefused() {
        assertRefused(heal(run.model, run.model, "out"), "has no come.json");
    }

    @Test
    void anotherTeacherIsRefused() throws IOException {
        run.to("pruned");
        Path other = new Run("llama-mha", Files.createDirectory(folder.resolve("other"))).model;
        assertRefused(heal(run.target("pruned"), other, "out"), "fingerprint", "llama-mha");
    }

    @Test
    void aModelThatWasChangedSinceIsRefused() throws IOException {
        run.to("pruned");
        Path weights = run.target("pruned").resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        byte[] damaged = Arrays.copyOf(bytes, bytes.length);
        damaged[bytes.length - 2] ^= 1;
        Files.write(weights, damaged);
        assertRefused(heal(run.target("pruned"), run.model, "out"), "pruned was changed", "dense model");
    }

    @Test
    void aModelThatCannotComeNearerIsLeftAlone() throws IOException {
        Path silent = new TinyLlama(4, 128, 16, 24, 2, 2, 4, false).write(folder.resolve("silent"), spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            if (!spec.name().contains("o_proj") && !spec.name().contains("down_proj")) {
                Arrays.fill(values, 0.25f);
            }
            return values;
        });
        Files.copy(run.model.resolve("tokenizer.json"), silent.resolve("tokenizer.json"));
        run.of(silent).job("pruned", Progress.NONE, List.of(new Reverse(Reverse.Options.DEFAULTS))).run();
        assertThatThrownBy(() -> heal(run.target("pruned"), silent, "out").run())
                .isInstanceOf(NothingToDoException.class).hasMessageContaining("nothing was written");
        assertThat(run.target("out")).doesNotExist();
    }
}
