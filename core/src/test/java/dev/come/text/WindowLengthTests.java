package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.model.Positions;
import dev.come.text.WindowLength.Settled;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WindowLengthTests {
    private static Positions rotary(int count) {
        return new Positions(count, false);
    }

    @ParameterizedTest
    @CsvSource({"128, 128", "2047, 2047", "2048, 2048", "131072, 2048"})
    void withoutALengthAWindowHas2048TokensOrAsManyAsTheModelHasPositions(int positions, int tokens) {
        assertThat(WindowLength.DEFAULT.within(rotary(positions))).isEqualTo(new Settled(tokens, OptionalInt.empty()));
    }

    @Test
    void aLengthUpToThePositionsIsTaken() {
        assertThat(WindowLength.of(2).within(rotary(128)).tokens()).isEqualTo(2);
        assertThat(WindowLength.of(128).within(rotary(128))).isEqualTo(new Settled(128, OptionalInt.empty()));
        assertThat(WindowLength.of(4096).within(rotary(8192)).tokens()).isEqualTo(4096);
    }

    @Test
    void aGreaterLengthIsRefusedUnlessItIsAllowedAndThenMarked() {
        assertThatThrownBy(() -> WindowLength.of(129).within(rotary(128))).isInstanceOf(UsageException.class)
                .hasMessage(
                        "--seqlen is 129, but the model has positions for 128 tokens only; lower it or leave it out,"
                                + " or add --beyond-positions to see what it does beyond them");
        Settled beyond = new WindowLength(OptionalInt.of(129), true).within(rotary(128));
        assertThat(beyond).isEqualTo(new Settled(129, OptionalInt.of(128)));
        assertThat(beyond.inWords()).isEqualTo("129 tokens (beyond the model's 128 positions)");
        assertThat(new WindowLength(OptionalInt.of(128), true).within(rotary(128)).inWords()).isEqualTo("128 tokens");
    }

    @Test
    void nothingGoesBeyondPositionsThatWereLearned() {
        assertThatThrownBy(() -> new WindowLength(OptionalInt.of(129), true).within(new Positions(128, true)))
                .isInstanceOf(UsageException.class)
                .hasMessage(
                        "--seqlen is 129, but the model has positions for 128 tokens only; lower it or leave it out");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 0, -5})
    void aWindowInWhichNoTokenIsScoredIsRefused(int tokens) {
        assertThatThrownBy(() -> WindowLength.of(tokens)).isInstanceOf(UsageException.class)
                .hasMessage("--seqlen is " + tokens + ", but must be at least 2: nothing predicts the first token of a"
                        + " window, so a shorter one has no token to score");
        assertThatThrownBy(() -> WindowLength.DEFAULT.within(rotary(1))).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("max_position_embeddings");
    }

    @Test
    void anOptionThatDoesNothingIsRefused() {
        assertThatThrownBy(() -> new WindowLength(OptionalInt.empty(), true)).isInstanceOf(UsageException.class)
                .hasMessageContaining("--seqlen is missing");
    }
}
