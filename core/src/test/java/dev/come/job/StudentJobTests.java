package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.distill.Level;
import dev.come.distill.Students;
import dev.come.prune.Manual;
import dev.come.prune.PruningPlan;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** The whole job where layers were removed. */
class StudentJobTests extends Training {
    /** [0, 2, 3, 5]. */
    private void removeInsteadOfMerging() {
        run.targetLayers = 4;
        run.job("removed", Progress.NONE, List.of(new Manual(new Manual.Options(List.of(1, 4))))).run();
        pruned = "removed";
    }

    @Test
    void removedLayersHaveStudentsToo() {
        removeInsteadOfMerging();
        settings.hiddenWeight = 1;
        assertThatThrownBy(() -> distill("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--hidden-weight", "no layer of the pruned model", "leave it out");
        assertThat(run.target(".out.come-distill")).doesNotExist();
        settings.hiddenWeight = 0;
        perplexity = true;
        DistillJob.Result result = distill("out");
        assertThat(result.trained().layerCurves()).isNotEmpty();
        result.trained().layerCurves().forEach((position, curve) -> assertThat(curve.best().loss())
                .as(result.trained().layerNames().get(position)).isLessThan(curve.start().loss()));
        assertThat(result.trained().modelCurve().orElseThrow().improved()).isTrue();
        assertThat(result.plan().evaluations().getLast().value())
                .isLessThan(result.prunedEvaluations().getFirst().value());
        JsonNode students = PruningPlan.read(run.target("out/come.json")).settings()
                .at("/distillation/options/students");
        assertThat(students).hasToString("{\"seam\":\"auto\",\"inputs\":\"teacher\",\"scope\":\"cut\"}");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void studentsOfRemovedLayersAreTheSameInAnyProcess(Students.Seam seam) {
        removeInsteadOfMerging();
        settings.level = Level.LAYER;
        settings.seam = seam;
        distill("one");
        threads = 1;
        memory = 0;
        processes = 2;
        distill("other");
        assertThat(WordModels.hashes(run.target("other"))).isEqualTo(WordModels.hashes(run.target("one")));
    }

    @Test
    void layersThatNeedEachOtherLearnOneAfterTheOther() {
        settings.inputs = Students.Inputs.OWN;
        processes = 2;
        assertThatThrownBy(() -> distill("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--inputs own", "--mode mp", "leave one out");
        settings.level = Level.MODEL;
        settings.tokens = 64;
        distill("out"); // where no layer learns by itself
    }

    /** The student's own states are made again on the way, of what was learned. */
    @Test
    void aRunOnOwnStatesEndsWithTheSameBytesAfterAnInterruption() {
        removeInsteadOfMerging();
        settings.level = Level.LAYER;
        settings.tokens = 320;
        settings.inputs = Students.Inputs.OWN;
        settings.scope = Students.Scope.ALL;
        interruptAtAnyMoment();
        assertThat(PruningPlan.read(run.target("whole/come.json")).settings().at("/distillation/layers"))
                .hasSize(4);
    }
}
