package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.UsageException;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class SearchWindowsTests {
    /** Of length 5, 2 and 4; in pieces of two: 1 2, 3 4, 6 7, 8 9 and 10 11. */
    private static final Sequences ALL = Sequences
            .of(List.of(new int[]{1, 2, 3, 4, 5}, new int[]{6, 7}, new int[]{8, 9, 10, 11}));

    private static final CalibrationSet SET = new CalibrationSet(ALL,
            new TextFacts("own", "all", List.of("a.txt"), 3, 3,
                    "joined", 40, 11, 11, 3, 5, OptionalInt.of(4), false, ALL.fingerprint(), List.of("a note")));

    @Test
    void piecesAreSpreadOverTheWholeText() {
        CalibrationSet some = new SearchWindows(3, OptionalInt.of(2)).of(SET);
        assertThat(some.sequences())
                .isEqualTo(Sequences.of(List.of(new int[]{1, 2}, new int[]{3, 4}, new int[]{8, 9})));
        assertThat(some.facts()).isEqualTo(new TextFacts("own", "all", List.of("a.txt"), 3, 3,
                "joined, of which 3 pieces of 2 tokens are searched on", 40, 11, 6, 3, 2, OptionalInt.empty(), false,
                some.sequences().fingerprint(), List.of("a note")));
    }

    @Test
    void withoutALengthWholeSequencesAreTaken() {
        CalibrationSet some = new SearchWindows(2, OptionalInt.empty()).of(SET);
        assertThat(some.sequences()).isEqualTo(Sequences.of(List.of(new int[]{1, 2, 3, 4, 5}, new int[]{6, 7})));
        assertThat(some.facts().sequenceLength()).isEqualTo(5);
    }

    @Test
    void whatIsNotThereIsRefused() {
        assertThatThrownBy(() -> new SearchWindows(6, OptionalInt.of(2)).of(SET)).isInstanceOf(UsageException.class)
                .hasMessageContaining("has only 5 windows of 2 tokens");
        assertThatThrownBy(() -> new SearchWindows(4, OptionalInt.empty()).of(SET)).isInstanceOf(UsageException.class)
                .hasMessageContaining("has only 3 sequences");
        assertThatThrownBy(() -> new SearchWindows(0, OptionalInt.empty())).isInstanceOf(UsageException.class);
        assertThatThrownBy(() -> new SearchWindows(1, OptionalInt.of(1))).isInstanceOf(UsageException.class);
    }
}
