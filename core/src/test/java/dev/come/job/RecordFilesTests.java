package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.JsonRules;
import dev.come.Progress;
import dev.come.WordModels;
import dev.come.distill.Curve;
import dev.come.distill.TrainedParts;
import dev.come.distill.TrainingSettings;
import dev.come.heal.Healing;
import dev.come.prune.Manual;
import dev.come.prune.Methods;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.report.Comparison;
import dev.come.vocabulary.TokenizerCompat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** The files that people and other programs read, each held to the one naming rule and to its table of fields. */
class RecordFilesTests {
    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
        run.perplexity = true;
    }

    private static JsonRules plans() {
        return new JsonRules("dev.come.prune.PlanJson");
    }

    @Test
    void everyMethodWritesAPlanByTheRules() throws Exception {
        run.targetLayers = 4;
        List<PruningMethod> methods = Methods.ALL.stream().map(entry -> entry.equals(Methods.MANUAL)
                ? new Manual(new Manual.Options(List.of(1, 3)))
                : entry.method()).toList();
        PruneJob.Results results = run.job("all", Progress.NONE, methods).runAll();
        // Six layers are too few for the "+" rule, and the text for mka's neighbours.
        assertThat(results.failures()).extracting(PruneJob.Failure::method).containsExactlyInAnyOrder("magnitude+",
                "taylor+", "mka");
        JsonRules rules = plans();
        for (PruneJob.Result result : results.results()) {
            rules.check(result.folders().getFirst().resolve(PruningPlan.FILE_NAME));
        }
        new JsonRules(Comparison.class).check(run.target("all/comparison.json")).assertAllSeen();
    }

    @Test
    void aPlanThatWasHealedAndTrainedHasEveryFieldOfTheTable() throws Exception {
        run.healing = Optional.of(new Healing.Options(Healing.Scope.ALL, Healing.Targets.DOWN_AND_OUTPUT,
                Healing.Weights.UNIFORM, 2, Healing.Seam.PAIR));
        run.tokenizers = TokenizerCompat.TRANSFORMERS5; // which takes this tokenizer as it is
        run.to("pruned");
        TrainingSettings training = new TrainingSettings();
        training.rate = 2e-2;
        training.modelRate = 1e-3;
        training.trained = TrainedParts.ALL;
        training.hiddenWeight = 1;
        training.crossEntropyWeight = 0.5;
        new DistillJob(
                new DistillJob.Options(run.target("pruned"), run.model, List.of(new DistillJob.Text(run.source(), 1)),
                        run.windows, training.options(), 0,
                        run.perplexity(), run.choice(), run.saving("trained"), run.resumption),
                Progress.NONE).run();
        plans().check(run.target("pruned/come.json")).check(run.target("trained/come.json"))
                // HealJobTests, RecoverJobTests, SisterTests and KeepPatternTests have these.
                .assertAllSeen("calibration.passed_positions", "healing.evaluations_before[].*", "plan_model.*",
                        "model.layer_kinds", "keep_pattern", "recovery.*", "warnings");
        ObjectNode record = (ObjectNode) PruningPlan.read(run.target("trained/come.json")).settings()
                .get(PruningPlan.DISTILLATION);
        JsonRules curves = new JsonRules(Curve.class).checkPart(record.get("model"));
        record.get("layers").forEach(curves::checkPart);
        curves.assertAllSeen("stopped");
    }

    @Test
    void anInspectionIsWrittenByTheRules() throws IOException {
        run.to("out");
        new JsonRules(InspectionJson.class).check(InspectionJson.text(Inspection.of(run.model)))
                .check(InspectionJson.text(Inspection.of(run.target("out")))).assertAllSeen("gguf.weight_bytes",
                        "gguf.tensors_by_type.TYPE", "attention[].window", "pruned.chosen_on",
                        // TokenizerCompatJobTests has these.
                        "tokenizer.difference.text", "tokenizer.difference.file",
                        "tokenizer.difference.transformers5");
        assertThat(InspectionJson.text(Inspection.of(WordModels.copy("opt", folder)))).contains("\"norms\"");
    }

    @Test
    void anOldPlanGivesTheSameModelAndAPlanOfTheNewForm() {
        Path old = Path.of("src/test/resources/dev/come/prune/come-plan-1/merged.json");
        ApplyJob.run(old, run.model, OptionalInt.empty(), false, run.saving("applied"), Progress.NONE);
        assertThat(WordModels.hashes(run.target("applied"))).as("what the build before the new form wrote")
                .containsEntry("model.safetensors", "68afdc44a0467a530cb00fcf642aceecb17b51fc9a428bf590b1c3a68c421512");
        assertThat(run.target("applied/come.json")).content().contains("\"format_version\" : 2")
                .doesNotContain("rowsTaken");
        ApplyJob.run(run.target("applied/come.json"), run.model, OptionalInt.empty(), false, run.saving("again"),
                Progress.NONE);
        assertThat(WordModels.hashes(run.target("again"))).isEqualTo(WordModels.hashes(run.target("applied")));
    }
}
