package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.JsonRules;
import dev.come.checkpoint.RecordJson;
import dev.come.stack.LayerNode.MergeNorms;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** Plans of the first form, as the build before the second form wrote them. */
class FirstPlanJsonTests {
    private static PruningPlan read(String name) {
        return PruningPlan.read(Path.of("src/test/resources/dev/come/prune/come-plan-1/" + name + ".json"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"merged", "healed", "distilled", "auto"})
    void aPlanOfTheFirstFormIsWrittenInTheSecond(String name) {
        new JsonRules(PlanJson.class).check(read(name).toJson());
    }

    @Test
    void theHistoryIsTheSame() {
        PruningPlan plan = read("merged");
        assertThat(plan.last().tree()).isEqualTo("[0, 1, [2, [[3, 4], 5]]]");
        assertThat(plan.steps()).hasSize(3);
        assertThat(plan.evaluations()).hasSize(2);
        assertThat(read("healed").isHealed()).isTrue();
    }

    @Test
    void theSettingsHaveTheNamesOfToday() {
        ObjectNode settings = read("healed").settings();
        assertThat(settings.at("/model/stored_dtype").asString()).isEqualTo("float32");
        assertThat(settings.at("/options/taylor_order").asString()).isEqualTo("abs_first");
        assertThat(settings.at("/healing/heal_targets").asString()).isEqualTo("down_and_output");
        assertThat(settings.at("/calibration/tokens_used").asInt()).isEqualTo(480);
        assertThat(settings.at("/healing/calibration/special_token_in_front").asBoolean()).isTrue();

        ObjectNode trained = read("distilled").settings();
        assertThat(trained.at("/distillation/options/level").asString()).isEqualTo("both");
        assertThat(trained.at("/distillation/options/model_schedule/shape").asString()).isEqualTo("cosine");
        assertThat(trained.at("/distillation/text/0/rows_taken").asInt()).isEqualTo(20);
    }

    /** A run of the build before can be gone on with. */
    @Test
    void theOptionsAreThoseThatTheSameRunHasNow() {
        assertThat(read("auto").settings().get("options"))
                .isEqualTo(RecordJson.tree(new ComeAuto.Options(Barriers.ONE_EACH, 4, 8, MergeNorms.MEAN, 0)));
        assertThat(read("merged").settings().get("options")).isEqualTo(RecordJson.tree(
                new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 0, Compat.REFERENCE)));
    }
}
