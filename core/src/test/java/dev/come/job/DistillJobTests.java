package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.distill.Curve;
import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.distill.Measures;
import dev.come.distill.Objective;
import dev.come.distill.Point;
import dev.come.distill.Schedule;
import dev.come.distill.TrainedParts;
import dev.come.prune.PruningPlan;
import dev.come.prune.ShortGpt;
import dev.come.stack.LayerNode.Trained;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The whole job on a golden model of 6 layers, pruned to 3, which are [0, 1], [2, 3] and so on, and on made-up text. */
class DistillJobTests {
    private static final int WINDOW = 32;
    private static final int NEVER = Integer.MAX_VALUE;

    @TempDir
    private Path folder;
    private Run run;
    private Path text;
    private Level level = Level.BOTH;
    private Objective objective = Objective.MSE;
    private TrainedParts trained = TrainedParts.MERGED;
    private double hiddenWeight;
    private double rate = 3e-3;
    private long tokens = 1280;
    private int evaluateEvery = 4;
    private int threads = 2;
    private int processes;
    private long memory = Long.MAX_VALUE;
    private boolean perplexity;
    private Resumption resumption = Resumption.GO_ON;

    @BeforeEach
    void prune() throws IOException {
        run = new Run("llama-gqa", folder);
        run.to("pruned");
        text = WordModels.text(folder.resolve("training.txt"), 60);
    }

    private DistillJob.Result distill(String target) {
        return distill(target, Progress.NONE);
    }

    private DistillJob.Result distill(String target, Progress progress) {
        TextSource source = new TextSource(text.toString(), folder, TextSource.DEFAULT_FIELD);
        DistillationOptions training = new DistillationOptions(level, objective, 1, tokens, tokens, 128, 128,
                new Schedule(Schedule.Shape.COSINE, rate, 0.1), new Schedule(Schedule.Shape.COSINE, rate, 0.1), 0.01, 1,
                trained, hiddenWeight, 0, evaluateEvery, 10);
        return new DistillJob(new DistillJob.Options(run.target("pruned"), run.model,
                List.of(new DistillJob.Text(source, 1)),
                WindowLength.of(WINDOW), training,
                processes, new PerplexityOptions(perplexity ? List.of(source) : List.of(), WindowLength.of(WINDOW), 4),
                new ComputeChoice("float32", "cpu", threads, memory), run.saving(target), resumption), progress).run();
    }

    @ParameterizedTest
    @EnumSource
    void aHealedModelIsNearerToItsTeacherAndIsAnOrdinaryModelWithItsRecord(Level wanted) {
        level = wanted;
        perplexity = true;
        DistillJob.Result result = distill("healed");
        if (level.hasLayers()) {
            assertThat(result.trained().layerCurves()).isNotEmpty();
        }
        result.trained().layerCurves().values()
                .forEach(curve -> assertThat(curve.best().loss()).isLessThan(0.95 * curve.start().loss()));
        assertThat(result.trained().modelCurve().isPresent()).isEqualTo(level.hasModel());
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
        level = Level.MODEL;
        distill("without");
        assertThat(modelCurve("without").path("points").get(0).has("hidden_term")).isFalse();
        hiddenWeight = 2;
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
        level = Level.LAYER;
        distill("healed");
        Run other = run;
        Path text2 = text;
        TextSource source = new TextSource(text2.toString(), folder, TextSource.DEFAULT_FIELD);
        DistillationOptions training = new DistillationOptions(Level.LAYER, Objective.MSE, 1, tokens, tokens, 128, 128,
                new Schedule(Schedule.Shape.COSINE, rate, 0.1), new Schedule(Schedule.Shape.COSINE, rate, 0.1), 0, 1,
                TrainedParts.MERGED, 0, 0, 2, 10);
        DistillJob.Result again = new DistillJob(
                new DistillJob.Options(other.target("healed"), other.model, List.of(new DistillJob.Text(source, 1)),
                        WindowLength.of(WINDOW),
                        training, 0,
                        new PerplexityOptions(List.of(), WindowLength.of(WINDOW), 1),
                        new ComputeChoice("float32", "cpu", 1, 1000),
                        other.saving("again"), Resumption.GO_ON),
                Progress.NONE).run();
        assertThat(again.plan().steps()).hasSize(PruningPlan.read(run.target("healed/come.json")).steps().size() + 1);
        ApplyJob.run(run.target("again/come.json"), run.model, OptionalInt.empty(), false, run.saving("applied"),
                Progress.NONE);
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("again")));
    }

    /** sp and mp, threads, and memory. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5})
    void theBytesDependNeitherOnProcessesNorOnThreadsNorOnMemory(double weight) {
        hiddenWeight = weight;
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

    /** Ends the run when progress is told for the n-th time. */
    private static final class Interruption implements Progress {
        private final List<String> notes = new ArrayList<>();
        private int left;

        Interruption(int calls) {
            left = calls;
        }

        private synchronized void count() {
            if (--left == 0) {
                throw new FailedException("interrupted");
            }
        }

        @Override
        public Task begin(String what, long total, String unit) {
            count();
            return steps -> count();
        }

        @Override
        public void note(String line) {
            notes.add(line);
            count();
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5})
    void aRunInterruptedAtAnyMomentEndsWithTheSameBytes(double weight) {
        hiddenWeight = weight;
        long seed = System.nanoTime();
        System.out.println("DistillJobTests: moments drawn with seed " + seed);
        tokens = 640;
        threads = 1;
        Interruption none = new Interruption(NEVER);
        distill("whole", none);
        SortedMap<String, String> whole = WordModels.hashes(run.target("whole"));
        int moments = NEVER - none.left;
        IntStream chosen = IntStream.concat(new Random(seed).ints(4, 1, moments),
                IntStream.rangeClosed(moments - 1, moments));
        int[] number = {0};
        chosen.forEach(moment -> {
            String target = "out" + number[0]++;
            assertThatThrownBy(() -> distill(target, new Interruption(moment))).as("moment " + moment)
                    .hasMessage("interrupted");
            distill(target);
            assertThat(WordModels.hashes(run.target(target))).as("moment " + moment + ", seed " + seed)
                    .isEqualTo(whole);
            assertThat(run.target("." + target + ".come-distill")).doesNotExist();
        });
    }

    @Test
    void layersThatAreDoneAreNotTrainedAgain() {
        level = Level.LAYER;
        Interruption first = new Interruption(NEVER);
        distill("whole", first);
        int last = NEVER - first.left;
        assertThatThrownBy(() -> distill("out", new Interruption(last - 2))).hasMessage("interrupted");
        Interruption resumed = new Interruption(NEVER);
        distill("out", resumed);
        assertThat(NEVER - resumed.left).isLessThan(last / 2);
        assertThat(resumed.notes).contains("Going on with the interrupted run");
    }

    @Test
    void otherSettingsAreNoResumption() {
        assertThatThrownBy(() -> distill("out", new Interruption(30))).hasMessage("interrupted");
        rate = 1e-3;
        assertThatThrownBy(() -> distill("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--restart", "distillation.options.schedule.peak");
        rate = 3e-3;
        hiddenWeight = 0.5;
        assertThatThrownBy(() -> distill("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--restart", "distillation.options.hidden_weight: 0.0 / 0.5");
    }

    @Test
    void aRateThatIsMuchTooHighEndsWithTheLastGoodStateOrNothing() {
        level = Level.LAYER;
        rate = 1e18;
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

    /** Layers that were left out leave nothing that stands for several of the teacher's. */
    @Test
    void removedLayersAreHealedByTheWholeModelOnly() {
        run.job("removed", Progress.NONE, List.of(new ShortGpt(ShortGpt.Options.DEFAULTS))).run();
        delete(run.target("pruned"));
        assertThat(run.target("removed").toFile().renameTo(run.target("pruned").toFile())).isTrue();
        level = Level.LAYER;
        assertThatThrownBy(() -> distill("out")).isInstanceOf(NothingToDoException.class)
                .hasMessageContaining("--level model");
        level = Level.MODEL;
        hiddenWeight = 1;
        assertThatThrownBy(() -> distill("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--hidden-weight", "no layer of the pruned model", "leave it out");
        assertThat(run.target(".out.come-distill")).doesNotExist();
        hiddenWeight = 0;
        DistillJob.Result result = distill("out");
        assertThat(result.trained().layers()).isNotEmpty();
        assertThat(result.trained().modelCurve().orElseThrow().improved()).isTrue();
    }

    @Test
    void normsAloneCanLearn() {
        level = Level.MODEL;
        trained = TrainedParts.NORMS;
        rate = 1e-3;
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

    private static void delete(Path root) {
        try (var paths = Files.walk(root)) {
            for (Path path : paths.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
