package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.distill.Curve;
import dev.come.distill.Level;
import dev.come.distill.Measures;
import dev.come.distill.Point;
import dev.come.distill.TrainedParts;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerNode.Trained;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The whole job where layers were merged. */
class DistillJobTests extends Training {
    @ParameterizedTest
    @EnumSource
    void aHealedModelIsNearerToItsTeacherAndIsAnOrdinaryModelWithItsRecord(Level wanted) {
        settings.level = wanted;
        perplexity = true;
        DistillJob.Result result = distill("healed");
        if (wanted.hasLayers()) {
            assertThat(result.trained().layerCurves()).isNotEmpty();
        }
        result.trained().layerCurves().values()
                .forEach(curve -> assertThat(curve.best().loss()).isLessThan(0.95 * curve.start().loss()));
        assertThat(result.trained().modelCurve().isPresent()).isEqualTo(wanted.hasModel());
        result.trained().modelCurve()
                .ifPresent(curve -> assertThat(curve.best().loss()).isLessThan(curve.start().loss()));

        PruningPlan plan = PruningPlan.read(run.target("healed/come.json"));
        assertThat(plan.steps()).isEqualTo(result.plan().steps());
        assertThat(plan.last().nodes()).hasSize(3).anyMatch(Trained.class::isInstance);
        assertThat(plan.settings().path("distillation").path("layers").size())
                .isEqualTo(result.trained().layerCurves().size());
        assertThat(plan.evaluations()).hasSize(2);
        assertThat(result.prunedEvaluations()).hasSize(1);
        try (Checkpoint pruned = Checkpoint.open(run.target("pruned"));
                Checkpoint healed = Checkpoint.open(run.target("healed"))) {
            assertThat(healed.tensors().stream().map(tensor -> tensor.name() + tensor.shape() + tensor.dtype()))
                    .isEqualTo(pruned.tensors().stream().map(tensor -> tensor.name() + tensor.shape() + tensor.dtype())
                            .toList());
        }
        assertThat(run.target("healed/README.md")).content().contains("distilled [",
                "Then trained by the dense model: ");
        assertThat(run.target(".healed.come-distill")).doesNotExist();
    }

    /** Both parts of the loss are in the record, and the best state is that of the least sum. */
    @Test
    void theHiddenTermIsTrainedForBesideNextTokens() {
        settings.level = Level.MODEL;
        distill("without");
        assertThat(modelCurve("without").path("points").get(0).has("hidden_term")).isFalse();
        settings.hiddenWeight = 2;
        DistillJob.Result result = distill("healed");
        Curve curve = result.trained().modelCurve().orElseThrow();
        for (Point point : curve.points()) {
            Measures found = point.validation();
            assertThat(found.loss()).isCloseTo(found.nextTokens() + 2 * found.hidden(), within(1e-9));
            assertThat(found.loss()).isGreaterThanOrEqualTo(curve.best().loss());
        }
        assertThat(curve.best().hidden()).isLessThan(curve.start().hidden());
        assertThat(curve.best().nextTokens()).isLessThan(curve.start().nextTokens());
        JsonNode last = modelCurve("healed").path("points").get(curve.points().size() - 1);
        Measures expected = curve.points().getLast().validation();
        assertThat(last.path("next_token_kl").asDouble()).isEqualTo(expected.nextTokens());
        assertThat(last.path("hidden_term").asDouble()).isEqualTo(expected.hidden());
        JsonNode before = modelCurve("without").path("points").get(0);
        assertThat(before.path("validation_loss").asDouble()).isEqualTo(curve.start().nextTokens());
        assertThat(WordModels.hashes(run.target("healed"))).isNotEqualTo(WordModels.hashes(run.target("without")));
    }

    private JsonNode modelCurve(String target) {
        return PruningPlan.read(run.target(target + "/come.json")).settings().path("distillation").path("model");
    }

    @Test
    void theRecordInTheFolderOfAHealedModelMakesItAgain() {
        distill("healed");
        ApplyJob.run(run.target("healed/come.json"), run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE);
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("healed")));
        ApplyJob.run(run.target("healed/come.json"), run.model, OptionalInt.of(4), false, run.saving("earlier"),
                Progress.NONE);
        assertThat(PruningPlan.read(run.target("earlier/come.json")).settings().has("distillation")).isFalse();
    }

    @Test
    void aRecordWithoutItsModelIsRefused() throws IOException {
        distill("healed");
        Path alone = Files.copy(run.target("healed/come.json"), run.target("alone.json"));
        assertThatThrownBy(() -> ApplyJob.run(alone, run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE)).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("trained weights", "come.json");
        assertThat(run.target("applied")).doesNotExist();
    }

    @Test
    void aHealedModelCanBeHealedFurther() {
        settings.level = Level.LAYER;
        distill("healed");
        settings.evaluateEvery = 2;
        threads = 1;
        memory = 1000;
        DistillJob.Result again = distill("healed", "again", Progress.NONE);
        assertThat(again.plan().steps()).hasSize(PruningPlan.read(run.target("healed/come.json")).steps().size() + 1);
        ApplyJob.run(run.target("again/come.json"), run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE);
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("again")));
    }

    /** sp and mp, threads, and memory. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5})
    void theBytesDependNeitherOnProcessesNorOnThreadsNorOnMemory(double weight) {
        settings.hiddenWeight = weight;
        distill("one");
        SortedMap<String, String> expected = WordModels.hashes(run.target("one"));
        threads = 1;
        memory = 0;
        distill("other");
        assertThat(WordModels.hashes(run.target("other"))).isEqualTo(expected);
        processes = 2;
        threads = 2;
        distill("processes");
        assertThat(WordModels.hashes(run.target("processes"))).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5})
    void aRunInterruptedAtAnyMomentEndsWithTheSameBytes(double weight) {
        settings.hiddenWeight = weight;
        settings.tokens = 640;
        interruptAtAnyMoment();
    }

    @Test
    void layersThatAreDoneAreNotTrainedAgain() {
        settings.level = Level.LAYER;
        Interruption first = new Interruption(Interruption.NEVER);
        distill("whole", first);
        int last = first.told();
        assertThatThrownBy(() -> distill("out", new Interruption(last - 2))).hasMessage("interrupted");
        Interruption resumed = new Interruption(Interruption.NEVER);
        distill("out", resumed);
        assertThat(resumed.told()).isLessThan(last / 2);
        assertThat(resumed.notes).contains("Going on with the interrupted run");
    }

    @Test
    void otherSettingsAreNoResumption() {
        assertThatThrownBy(() -> distill("out", new Interruption(30))).hasMessage("interrupted");
        settings.rate = 1e-3;
        assertThatThrownBy(() -> distill("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--restart", "distillation.options.schedule.peak");
        settings.rate = 3e-3;
        settings.hiddenWeight = 0.5;
        assertThatThrownBy(() -> distill("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--restart", "distillation.options.hidden_weight: 0.0 / 0.5");
    }

    @Test
    void aRateThatIsMuchTooHighEndsWithTheLastGoodStateOrNothing() {
        settings.level = Level.LAYER;
        settings.rate = 1e18;
        List<String> notes = new ArrayList<>();
        assertThatThrownBy(() -> distill("out", new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                return Progress.NONE.begin(what, total, unit);
            }

            @Override
            public void note(String line) {
                notes.add(line);
            }
        })).isInstanceOf(NothingToDoException.class).hasMessageContaining("--lr");
        assertThat(notes).anyMatch(note -> note.contains("given up") && note.contains("not finite"));
        assertThat(run.target("out")).doesNotExist();
        assertThat(run.target(".out.come-distill")).doesNotExist();
    }

    @Test
    void aFolderWithoutARecordIsRefused() throws IOException {
        Files.delete(run.target("pruned/come.json"));
        assertThatThrownBy(() -> distill("out")).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("pruned", "has no come.json", "come prune");
    }

    @Test
    void anotherTeacherIsRefused() throws IOException {
        run.of(WordModels.copy("llama-mha", folder));
        assertThatThrownBy(() -> distill("out")).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("come.json was made for", "fingerprint", "llama-mha", "dense model");
    }

    /** The job writes these as they are in the dense model, so what was changed would be lost without a word. */
    @ParameterizedTest
    @ValueSource(strings = {"model.norm.weight", "model.embed_tokens.weight"})
    void aModelWhoseEmbeddingsOrNormWereChangedAfterPruningIsRefused(String tensor) throws IOException {
        Path weights = run.target("pruned/model.safetensors");
        long offset;
        try (Checkpoint checkpoint = Checkpoint.open(run.target("pruned"))) {
            offset = checkpoint.info(tensor).offset();
        }
        byte[] bytes = Files.readAllBytes(weights);
        bytes[(int) offset] ^= 1;
        Files.write(weights, bytes);
        assertThatThrownBy(() -> distill("out")).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("was changed after it was pruned", "tensor " + tensor, "dense model");
        assertThat(run.target("out")).doesNotExist();
    }

    @Test
    void aModelThatWasChangedAfterPruningIsRefused() throws IOException {
        Path weights = run.target("pruned/model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        int header = (int) java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong();
        int middle = 8 + header + (bytes.length - 8 - header) / 2;
        bytes[middle] ^= 1;
        Files.write(weights, bytes);
        assertThatThrownBy(() -> distill("out")).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("tensor model.layers.", "was changed");
    }

    @Test
    void normsAloneCanLearn() {
        settings.level = Level.MODEL;
        settings.trained = TrainedParts.NORMS;
        settings.rate = 1e-3;
        DistillJob.Result result = distill("out");
        assertThat(result.trained().layers()).hasSize(3);
        try (Checkpoint pruned = Checkpoint.open(run.target("pruned"));
                Checkpoint healed = Checkpoint.open(run.target("out"))) {
            healed.tensors().forEach(tensor -> {
                boolean same = healed.tensor(tensor.name()).equal(pruned.tensor(tensor.name()));
                assertThat(same).as(tensor.name()).isEqualTo(!tensor.name().contains("layernorm"));
            });
        }
    }

    @Test
    void tooLittleTextIsRefused() throws IOException {
        text = WordModels.text(folder.resolve("short.txt"), 3);
        assertThatThrownBy(() -> distill("out")).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("short.txt", "--validation-tokens");
    }
}
