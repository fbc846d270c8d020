package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.NothingToDoException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Groups in which kinds of layers repeat; expected values by hand. */
class LayerPatternTests {
    private static LayerStack stack(String kept) {
        LayerStack stack = LayerStack.dense(kept.length());
        for (int layer = kept.length() - 1; layer >= 0; layer--) {
            stack = kept.charAt(layer) == '1' ? stack : stack.without(layer, 1);
        }
        return stack;
    }

    /** 1 where there is nothing to keep. */
    @ParameterizedTest
    @CsvSource({"SFSFSF, 2", "SSSSSFSSSSSFSS, 6", "FFFNFFFN, 4", "FFFF, 1", "FFFFSSSS, 1", "SFSFFSFS, 1", "SFFS, 1",
        "SSSSSFSSSS, 1", "'', 1"})
    void aGroupIsTheSmallestThatRepeats(String kinds, int period) {
        assertThat(LayerPattern.of(kinds).period()).isEqualTo(period);
    }

    /** Which layers are left, marked by 1. */
    @ParameterizedTest
    @CsvSource({"SFSFSF, 111111, true", "SFSFSF, 111110, true", "SFSFSF, 101111, false", "SFSFSF, 100111, true",
        "SFSFSF, 110011, true", "SFSFSF, 011111, false", "SFSFSF, 001111, true", "SFSFSF, 101010, false",
        "SSFSSF, 110111, false", "SSFSSF, 010101, true", "SSFSSF, 001111, false", "SSFSSF, 100011, true",
        "FFFFSSSS, 01010101, true"})
    void itHoldsWhereTheLayersThatAreLeftRepeatIt(String kinds, String kept, boolean holds) {
        assertThat(LayerPattern.of(kinds).holds(stack(kept))).isEqualTo(holds);
    }

    @Test
    void whatMayGoIsAGroupAnywhereOrTheLast() {
        LayerPattern pattern = LayerPattern.of("SSFSSFSS");
        LayerStack dense = LayerStack.dense(8);
        assertThat(pattern.removable(dense, 3)).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(pattern.removable(dense, 1)).containsExactly(6, 7);
        assertThat(pattern.removable(dense, 2)).containsExactly(6);
        assertThat(pattern.allowsMerge(dense, 2, 4)).isTrue();
        assertThat(pattern.allowsMerge(dense, 2, 2)).isFalse();
        assertThat(pattern.allowsMerge(dense, 6, 2)).isTrue();
        assertThat(pattern.width(dense, 2)).isEqualTo(3);
        assertThat(pattern.width(dense, 7)).isEqualTo(1);
        assertThatThrownBy(() -> pattern.requireWholeGroups(2)).isInstanceOf(NothingToDoException.class)
                .hasMessageContaining("--merge-item 4");
        pattern.requireWholeGroups(4);
    }

    @Test
    void withoutAPatternEverythingMayGo() {
        LayerStack dense = LayerStack.dense(4);
        assertThat(LayerPattern.ANY.removable(dense, 1)).isEqualTo(List.of(0, 1, 2, 3));
        assertThat(LayerPattern.ANY.width(dense, 1)).isEqualTo(1);
        LayerPattern.ANY.requireWholeGroups(2);
    }
}
