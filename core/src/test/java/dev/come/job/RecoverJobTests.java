package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.JsonRules;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.distill.TrainedParts;
import dev.come.distill.TrainingSettings;
import dev.come.generate.Sampling;
import dev.come.heal.Healing;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerNode;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Both stages on a golden model of 6 layers that was pruned to 3, on text that the model draws itself. */
class RecoverJobTests {
    private static final String WEIGHTS = "model.safetensors";

    @TempDir
    private Path folder;
    private Run run;
    private Path text;
    private double rate = 3e-3;
    private long healingTokens = 768;
    private int trainingWindow = 24;
    private Resumption resumption = Resumption.GO_ON;

    @BeforeEach
    void prune() throws IOException {
        run = new Run("llama-gqa", folder);
        List<String> drawn = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            drawn.add(GenerateJob.run(run.model, "w" + (3 + i), new Sampling(24, 0.5, 0, 1, i),
                    new ComputeChoice("float32", "cpu", 1, 0), _ -> {
                    }));
        }
        text = Files.writeString(folder.resolve("drawn.txt"), String.join("\n\n", drawn));
        run.readingFrom(text);
        run.to("pruned");
    }

    private DistillationOptions training() {
        TrainingSettings settings = new TrainingSettings();
        settings.level = Level.MODEL;
        settings.tokens = 1280;
        settings.batchTokens = 128;
        settings.validationTokens = 128;
        settings.rate = rate;
        settings.evaluateEvery = 2;
        return settings.options();
    }

    private RecoverJob job(String target, Progress progress) {
        return new RecoverJob(new RecoverJob.Options(run.target("pruned"), run.model,
                new Recovery("quick", healingTokens, Healing.Options.DEFAULTS, trainingWindow, training()),
                new RecoverJob.Text(List.of(text.toString()), new TextSource.Folder(folder), TextSource.DEFAULT_FIELD,
                        run.windows),
                run.perplexity(), run.choice(), run.saving(target), resumption), progress);
    }

    private RecoverJob.Result recover(String target) {
        return recover(target, Progress.NONE);
    }

    private RecoverJob.Result recover(String target, Progress progress) {
        return job(target, progress).run();
    }

    private void byHand(String healed, String trained) {
        CalibrationChoice tokens = new CalibrationChoice(List.of(text.toString()), OptionalInt.empty(),
                OptionalLong.of(healingTokens), 10, new TextSource.Folder(folder), TextSource.DEFAULT_FIELD,
                run.windows);
        new HealJob(new HealJob.Options(run.target("pruned"), run.model, Healing.Options.DEFAULTS, tokens.ofHealing(),
                run.perplexity(), run.choice(), run.saving(healed), Resumption.GO_ON), Progress.NONE).run();
        new DistillJob(new DistillJob.Options(run.target(healed), run.model,
                List.of(new DistillJob.Text(
                        new TextSource(text.toString(), folder, TextSource.DEFAULT_FIELD), 1)),
                WindowLength.of(trainingWindow), training(), 0, run.perplexity(), run.choice(), run.saving(trained),
                Resumption.GO_ON), Progress.NONE).run();
    }

    @Test
    void aRecoveryIsHealingThenTrainingTheWholeModel() throws IOException {
        run.perplexity = true;
        RecoverJob.Result result = recover("recovered");
        byHand("healed", "trained");
        assertThat(run.target("recovered").resolve(WEIGHTS))
                .hasSameBinaryContentAs(run.target("trained").resolve(WEIGHTS));
        PruningPlan plan = PruningPlan.read(run.target("recovered/come.json"));
        PruningPlan hand = PruningPlan.read(run.target("trained/come.json"));
        assertThat(plan.steps()).isEqualTo(hand.steps()).isEqualTo(result.plan().steps());
        assertThat(plan.evaluations()).isEqualTo(hand.evaluations());
        assertThat(plan.settings().deepCopy().without(PruningPlan.RECOVERY)).isEqualTo(hand.settings());
        assertThat(Files.readString(run.target("recovered/README.md")))
                .isEqualTo(Files.readString(run.target("trained/README.md")));
        assertThat(plan.last().nodes()).anyMatch(LayerNode.Trained.class::isInstance);
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrder("llama-gqa", "text.txt", "drawn.txt", "pruned",
                "healed", "trained", "recovered");
    }

    @Test
    void theRecordTellsTheRecipeAndWhatEachStageGained() throws IOException {
        run.perplexity = true;
        RecoverJob.Result result = recover("recovered");
        new JsonRules("dev.come.prune.PlanJson").check(run.target("recovered/come.json"));
        JsonNode record = PruningPlan.read(run.target("recovered/come.json")).settings().path("recovery");
        assertThat(record.path("recipe").asString()).isEqualTo("quick");
        assertThat(record.path("healing_tokens").asLong()).isEqualTo(768);
        assertThat(record.path("training_window").asInt()).isEqualTo(24);
        assertThat(record.at("/training/model_tokens").asLong()).isEqualTo(1280);
        assertThat(record.at("/healing/heal_scope").asString()).isEqualTo("all");

        double pruned = result.pruned().getFirst().value();
        double healed = result.healed().getFirst().value();
        Measurement dense = result.plan().evaluations().getFirst();
        Measurement trained = result.plan().evaluations().getLast();
        assertThat(dense.layers()).isEqualTo(6);
        assertThat(trained.layers()).isEqualTo(3);
        assertThat(List.of(pruned, healed, trained.value())).isSortedAccordingTo(
                (one, other) -> Double.compare(other, one));
        assertThat(result.healing()).isPositive();
        assertThat(result.training()).isPositive();
    }

    @Test
    void theRecordMakesTheModelAgain() {
        recover("recovered");
        ApplyJob.run(run.target("recovered/come.json"), run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE);
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("recovered")));
    }

    @Test
    void aRunInterruptedInEitherStageEndsWithTheSameBytes() {
        long seed = System.nanoTime();
        System.out.println("RecoverJobTests: moments drawn with seed " + seed);
        Interruption none = new Interruption(Interruption.NEVER);
        recover("whole", none);
        SortedMap<String, String> whole = WordModels.hashes(run.target("whole"));
        int moments = none.told();
        int[] number = {0};
        IntStream.concat(new Random(seed).ints(6, 1, moments), IntStream.rangeClosed(moments - 1, moments))
                .forEach(moment -> {
                    String target = "out" + number[0]++;
                    assertThatThrownBy(() -> recover(target, new Interruption(moment))).as("moment " + moment)
                            .hasMessage("interrupted");
                    recover(target);
                    assertThat(WordModels.hashes(run.target(target))).as("moment " + moment + ", seed " + seed)
                            .isEqualTo(whole);
                    assertThat(run.target("." + target + ".come-recover")).doesNotExist();
                });
        assertThat(WordModels.names(folder)).noneMatch(name -> name.startsWith("."));
    }

    @Test
    void whatWasHealedIsNotHealedAgain() {
        Interruption first = new Interruption(Interruption.NEVER);
        recover("whole", first);
        int last = first.told();
        Interruption late = new Interruption(last - 3);
        assertThatThrownBy(() -> recover("out", late)).hasMessage("interrupted");
        assertThat(late.notes.getLast()).contains("What was done is kept in", ".out.come-recover");
        assertThat(late.notes.stream().filter(note -> note.contains("is kept in"))).hasSize(1);
        Interruption resumed = new Interruption(Interruption.NEVER);
        RecoverJob.Result result = recover("out", resumed);
        assertThat(result.healing()).isZero();
        assertThat(resumed.notes).noneMatch(note -> note.startsWith("Healing"));
    }

    /** While the first stage works, the steps of both are still to come. */
    @Test
    void whatIsStillToComeIsThatOfBothStages() {
        Interruption told = new Interruption(Interruption.NEVER);
        recover("whole", told);
        byHand("healed", "trained");
        double training = told.expected.getLast();
        assertThat(told.expected).hasSize(2);
        assertThat(told.expected.getFirst()).isGreaterThan(training / 10);
    }

    @Test
    void otherSettingsAreNoResumption() {
        assertThatThrownBy(() -> recover("out", new Interruption(12))).hasMessage("interrupted");
        rate = 2e-3;
        assertThatThrownBy(() -> recover("out")).isInstanceOf(UsageException.class).hasMessageContainingAll("--restart",
                "recovery.training.model_schedule.peak: 0.003 / 0.002");
        resumption = Resumption.RESTART;
        recover("out");
        resumption = Resumption.GO_ON;
        recover("other");
        assertThat(WordModels.hashes(run.target("out"))).isEqualTo(WordModels.hashes(run.target("other")));
    }

    @Test
    void whereHealingBringsNothingTrainingBeginsWithThePrunedModel() throws IOException {
        // Too little text for as many channels: the fits do not hold on what was kept out of them.
        text = WordModels.text(folder.resolve("drawn.txt"), 60);
        healingTokens = 64;
        Interruption told = new Interruption(Interruption.NEVER);
        RecoverJob.Result result = recover("out", told);
        assertThat(told.notes).anyMatch(note -> note.contains("so training begins with the pruned one"));
        assertThat(result.healing()).isZero();
        assertThat(result.pruned()).isEmpty();
        assertThat(result.plan().steps()).hasSize(PruningPlan.read(run.target("pruned/come.json")).steps().size() + 1);
    }

    @Test
    void whatMakesNothingBetterLeavesNothing() {
        rate = 1e18;
        assertThatThrownBy(() -> recover("out")).isInstanceOf(NothingToDoException.class)
                .hasMessageContaining("--model-lr");
        assertThat(run.target("out")).doesNotExist();
        assertThat(run.target(".out.come-recover")).doesNotExist();
    }

    @Test
    void aFolderThatIsNotEmptyIsRefusedBeforeTheWork() throws IOException {
        Files.createDirectories(run.target("out"));
        Files.writeString(run.target("out/notes.txt"), "mine");
        Interruption told = new Interruption(Interruption.NEVER);
        assertThatThrownBy(() -> recover("out", told)).isInstanceOf(UsageException.class)
                .hasMessageContaining("out is not empty");
        assertThat(told.notes).isEmpty();
        assertThat(run.target(".out.come-recover")).doesNotExist();
        assertThat(run.target("out/notes.txt")).content().isEqualTo("mine");
    }

    @Test
    void anotherTeacherIsRefused() throws IOException {
        run.of(WordModels.copy("llama-mha", folder));
        assertThatThrownBy(() -> recover("out")).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("come.json was made for", "llama-mha");
    }

    @Test
    void whatItNeedsIsToldBeforehandAndNothingIsWritten() {
        RecoveryEstimate estimate = job("out", Progress.NONE).estimate();
        assertThat(estimate.recipe()).isEqualTo("quick");
        assertThat(estimate.layers()).isEqualTo(3);
        assertThat(estimate.trainingTokens()).isBetween(1280L, 1400L);
        // Batches of five windows of 24 tokens.
        assertThat(estimate.steps()).isEqualTo((int) Math.ceil(estimate.trainingTokens() / 120.0));
        assertThat(estimate.healingTokens()).isBetween(700, 800);
        assertThat(estimate.healing().least()).isLessThan(estimate.healing().most());
        assertThat(estimate.training().least()).isPositive().isLessThan(estimate.training().most());
        assertThat(estimate.memoryBytes()).isGreaterThan(400_000_000L);
        assertThat(estimate.savedBytes()).isPositive().isLessThan(estimate.temporaryBytes());
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrder("llama-gqa", "text.txt", "drawn.txt", "pruned");
    }

    @Test
    void everyRecipeHealsAndTrainsAllLayers() {
        for (RecoveryRecipe recipe : RecoveryRecipe.values()) {
            Recovery recovery = RecoveryRecipe.of(recipe.recovery().recipe()).recovery();
            assertThat(recovery).isEqualTo(recipe.recovery());
            assertThat(recovery.training().trained()).isEqualTo(TrainedParts.ALL);
            assertThat(recovery.training().batchTokens() % recovery.trainingWindow()).isZero();
            assertThat(recovery.training().modelTokens() % recovery.training().batchTokens()).isZero();
        }
        assertThatThrownBy(() -> RecoveryRecipe.of("hours")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--recipe", "hour", "quick, hour, gpu");
    }
}
