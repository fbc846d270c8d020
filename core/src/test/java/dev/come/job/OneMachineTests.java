package dev.come.job;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.UsageException;
import dev.come.heal.Healing.Options;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
import dev.come.prune.ComeAuto;
import dev.come.prune.SeamAuto;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What clusters are not asked for. */
class OneMachineTests {
    @ParameterizedTest
    @CsvSource({"ALL, NORM, 1, --heal-targets all", "DOWN, UNIFORM, 1, --heal-weights uniform",
        "DOWN, LOSS, 3, --heal-weights loss", "DOWN_AND_OUTPUT, NORM, 2, --heal-passes 2"})
    void healingThatShardsDoNotKnowIsRefused(Targets targets, Weights weights, int passes, String option) {
        assertThatThrownBy(() -> OneMachine.check(new Options(Scope.ALL, targets, weights, passes)))
                .isInstanceOf(UsageException.class)
                .hasMessage("--master: " + option + " is done on one machine only; leave one of the two out");
    }

    @Test
    void theUsualHealingIsNot() {
        assertThatCode(() -> OneMachine.check(new Options(Scope.CUT, Targets.DOWN))).doesNotThrowAnyException();
        assertThatCode(() -> OneMachine.check(Options.DEFAULTS)).doesNotThrowAnyException();
    }

    @Test
    void theMethodThatPredictsRepairsIsRefused() {
        assertThatThrownBy(() -> OneMachine.check(new SeamAuto(SeamAuto.Options.DEFAULTS)))
                .hasMessage("--master: --method seam_auto is done on one machine only; leave one of the two out");
        assertThatCode(() -> OneMachine.check(new ComeAuto(ComeAuto.Options.DEFAULTS))).doesNotThrowAnyException();
    }
}
