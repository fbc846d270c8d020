package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.distill.Level;
import dev.come.distill.TrainingSettings;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.HarnessVersion;
import dev.come.heal.Healing;
import dev.come.prune.PruningPlan;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Windows of a model that has fewer positions than the usual window has tokens. */
class WindowLengthJobTests {
    private static final int POSITIONS = 24;
    private static final WindowLength BEYOND = new WindowLength(OptionalInt.of(POSITIONS + 8), true);
    private static final String MARK = POSITIONS + 8 + " tokens (beyond the model's " + POSITIONS + " positions)";

    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeAModelOfFewPositions() throws IOException {
        run = new Run("llama-gqa", folder);
        limit(run.model, POSITIONS);
        run.perplexity = true;
        run.windows = WindowLength.DEFAULT;
    }

    private static void limit(Path model, int positions) throws IOException {
        Path config = model.resolve("config.json");
        ObjectNode root = (ObjectNode) JsonMapper.shared().readTree(config);
        Files.writeString(config, root.put("max_position_embeddings", positions).toString());
    }

    private PruningPlan heal() {
        return new HealJob(new HealJob.Options(run.target("pruned"), run.model, Healing.Options.DEFAULTS,
                run.calibration(), run.perplexity(), run.choice(), run.saving("healed"), run.resumption), Progress.NONE)
                .run().plan();
    }

    private PruningPlan distill() {
        TrainingSettings training = new TrainingSettings();
        training.level = Level.LAYER;
        training.tokens = 320;
        training.evaluateEvery = 1;
        return new DistillJob(
                new DistillJob.Options(run.target("pruned"), run.model, List.of(new DistillJob.Text(run.source(), 1)),
                        run.windows, training.options(), 0, run.perplexity(), run.choice(), run.saving("distilled"),
                        run.resumption),
                Progress.NONE).run().plan();
    }

    private EvaluationReport eval(Optional<Path> baseline) {
        EvaluationOptions none = new EvaluationOptions(List.of(), 0, EvaluationOptions.ALL, HarnessVersion.V0_4_13,
                BosRule.TOKENIZER, EvaluationOptions.ALL, folder);
        return EvalJob.run(new EvalJob.Request(run.model, baseline, none, run.perplexity(), Optional.empty(), false),
                run.choice(), Progress.NONE);
    }

    private static void assertWindows(String expected, PruningPlan plan, JsonNode calibration) {
        assertThat(plan.evaluations()).isNotEmpty()
                .allSatisfy(evaluation -> assertThat(evaluation.metric()).contains("windows of " + expected + ","));
        assertThat(calibration.path("assembly").asString()).endsWith("windows of " + expected);
        assertThat(calibration.has("passed_positions")).isEqualTo(expected.equals(MARK));
    }

    private void assertAllHaveWindows(String expected) throws IOException {
        PruningPlan pruned = run.to("pruned").plan();
        assertWindows(expected, pruned, pruned.settings().path("calibration"));
        assertThat(Files.readString(run.target("pruned/README.md"))).contains("windows of " + expected + ",");
        PruningPlan distilled = distill();
        assertWindows(expected, distilled, distilled.settings().path(PruningPlan.DISTILLATION).path("text").path(0));
        EvaluationReport report = eval(Optional.empty());
        assertThat(report.model().perplexities().getFirst().metric()).contains("windows of " + expected + ",");
        assertThat(report.toJson()).contains("windows of " + expected + ",");
    }

    @Test
    void withoutALengthNothingIsMeasuredBeyondThePositions() throws IOException {
        assertAllHaveWindows(POSITIONS + " tokens");
    }

    @Test
    void whatIsMeasuredBeyondThePositionsSaysSoWhereverItIsTold() throws IOException {
        run.windows = BEYOND;
        assertAllHaveWindows(MARK);
    }

    @Test
    void aLongerWindowIsRefusedByEveryJob() {
        run.to("pruned");
        run.windows = WindowLength.of(POSITIONS + 1);
        for (Runnable job : List.<Runnable>of(() -> run.to("again"), this::heal, this::distill,
                () -> eval(Optional.empty()))) {
            assertThatThrownBy(job::run).isInstanceOf(UsageException.class)
                    .hasMessageStartingWith("--seqlen is 25, but the model has positions for 24 tokens only");
        }
    }

    @Test
    void rowsOfTheirOwnAreCutAtThePositions() throws IOException {
        run.sentences(List.of("w3 ".repeat(40), "w4 w5 w6"));
        run.perplexity = false;
        JsonNode calibration = run.to("pruned").plan().settings().path("calibration");
        assertThat(calibration.path("assembly").asString()).isEqualTo("each row a sequence of at most 24 tokens");
        assertThat(calibration.path("tokens_used").asInt()).isEqualTo(24 + (1 + 3)); // BOS in front of each
    }

    /** Numbers from windows of other lengths do not compare. */
    @Test
    void aModelAndItsBaselineSeeTheSameWindows() throws IOException {
        Run other = new Run("llama-gqa", Files.createDirectory(folder.resolve("other")));
        limit(other.model, 16);
        EvaluationReport report = eval(Optional.of(other.model));
        assertThat(report.model().perplexities().getFirst().metric()).contains("windows of 16 tokens")
                .isEqualTo(report.baseline().orElseThrow().perplexities().getFirst().metric());
    }
}
