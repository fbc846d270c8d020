package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.UsageException;
import dev.come.prune.Methods;
import dev.come.text.CalibrationSet;
import dev.come.text.CalibrationSet.Budget;
import dev.come.text.Mixture;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class CalibrationChoiceTests {
    private static CalibrationChoice choice(OptionalInt samples, OptionalLong tokens, String... datasets) {
        return new CalibrationChoice(List.of(datasets), samples, tokens, 10, new TextSource.Folder(Path.of("data")),
                TextSource.DEFAULT_FIELD, WindowLength.DEFAULT);
    }

    private static CalibrationSet.Source of(CalibrationChoice choice) {
        return choice.of(Methods.SHORTGPT, false);
    }

    @Test
    void rowsOfTheMethodsDataAreWhatNothingElseIsSaid() {
        assertThat(of(choice(OptionalInt.empty(), OptionalLong.empty()))).isInstanceOfSatisfying(
                CalibrationSet.Options.class, options -> {
                    assertThat(options.source().dataset()).isEqualTo("pg19");
                    assertThat(options.samples()).isEqualTo(Methods.SHORTGPT.data().samples());
                });
    }

    @Test
    void tokensAreSharedOut() {
        assertThat(of(choice(OptionalInt.empty(), OptionalLong.of(1000), "c4"))).isInstanceOfSatisfying(Budget.class,
                budget -> assertThat(budget.tokens()).isEqualTo(1000));
        assertThat(of(choice(OptionalInt.empty(), OptionalLong.of(1000), "wiki2:0.3", "c4:0.7")))
                .isInstanceOfSatisfying(Mixture.class, mixture -> assertThat(mixture.parts())
                        .extracting(Budget::tokens).containsExactly(300L, 700L));
        assertThat(of(choice(OptionalInt.empty(), OptionalLong.empty(), "wiki2,c4")))
                .isInstanceOfSatisfying(Mixture.class, mixture -> assertThat(mixture.parts())
                        .extracting(Budget::tokens).containsExactly(32_768L, 32_768L));
    }

    @Test
    void rowsAreNotCountedInAMixture() {
        assertThatThrownBy(() -> of(choice(OptionalInt.of(5), OptionalLong.empty(), "wiki2,c4")))
                .isInstanceOf(UsageException.class).hasMessageStartingWith("--nsamples counts rows")
                .hasMessageContaining("several data sets");
        assertThatThrownBy(() -> of(choice(OptionalInt.of(5), OptionalLong.of(9), "wiki2")))
                .isInstanceOf(UsageException.class).hasMessageContaining("--calibration-tokens");
        assertThatThrownBy(() -> choice(OptionalInt.empty(), OptionalLong.empty(), "wiki2,mmlu").of(Methods.MKA, false,
                OptionalInt.of(2))).isInstanceOf(UsageException.class).hasMessageStartingWith("--num-tasks");
    }
}
