package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.Evaluation;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.HarnessVersion;
import dev.come.heal.Healing.Options;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Seam;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
import dev.come.prune.ComeAuto;
import dev.come.prune.SeamAuto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What clusters are not asked for. */
class OneMachineTests {
    @ParameterizedTest
    @CsvSource({"ALL, NORM, 1, ONCE, --heal-targets all",
        "DOWN, UNIFORM, 1, ONCE, --heal-weights uniform", "DOWN, LOSS, 3, ONCE, --heal-weights loss",
        "DOWN_AND_OUTPUT, NORM, 2, PAIR, --heal-passes 2", "DOWN, NORM, 1, PAIR, --heal-seam pair"})
    void healingThatShardsDoNotKnowIsRefused(Targets targets, Weights weights, int passes, Seam seam,
            String option) {
        assertThatThrownBy(() -> OneMachine.check(new Options(Scope.ALL, targets, weights, passes, seam)))
                .isInstanceOf(UsageException.class)
                .hasMessage("--master: " + option + " is done on one machine only; leave one of the two out");
    }

    @Test
    void theUsualHealingIsNot() {
        assertThatCode(() -> OneMachine.check(new Options(Scope.CUT, Targets.DOWN))).doesNotThrowAnyException();
        assertThatCode(() -> OneMachine.check(Options.DEFAULTS)).doesNotThrowAnyException();
    }

    @Test
    void textsThatAModelWritesAreRefused(@TempDir Path folder) throws IOException {
        Files.createDirectories(folder.resolve("triviaqa"));
        Files.writeString(folder.resolve("triviaqa/validation.jsonl"),
                "{\"question\": \"q\", \"answer\": {\"aliases\": [\"a\"]}}\n");
        Files.createDirectories(folder.resolve("lambada_openai"));
        Files.writeString(folder.resolve("lambada_openai/test.jsonl"), "{\"text\": \"a b\"}\n");
        Evaluation writes = evaluation(folder, "lambada_openai", "triviaqa");
        assertThatThrownBy(() -> OneMachine.check(true, writes)).isInstanceOf(UsageException.class)
                .hasMessage("--master: --tasks triviaqa, for which the model writes texts, is done on one machine only;"
                        + " leave one of the two out");
        assertThat(OneMachine.check(false, writes)).isSameAs(writes);
        Evaluation scores = evaluation(folder, "lambada_openai");
        assertThat(OneMachine.check(true, scores)).isSameAs(scores);
    }

    private static Evaluation evaluation(Path folder, String... tasks) {
        return Evaluation.of(new EvaluationOptions(List.of(tasks), 0, EvaluationOptions.ALL, HarnessVersion.V0_4_13,
                BosRule.TOKENIZER, EvaluationOptions.ALL, folder), Progress.NONE);
    }

    @Test
    void theMethodThatPredictsRepairsIsRefused() {
        assertThatThrownBy(() -> OneMachine.check(new SeamAuto(SeamAuto.Options.DEFAULTS)))
                .hasMessage("--master: --method seam_auto is done on one machine only; leave one of the two out");
        assertThatCode(() -> OneMachine.check(new ComeAuto(ComeAuto.Options.DEFAULTS))).doesNotThrowAnyException();
    }
}
