package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.stack.LayerStack;
import org.junit.jupiter.api.Test;

class SearchedStatesTests {
    private static final LayerStack STACK = LayerStack.dense(8);

    private static boolean mayBegin(LayerStack stack, int layers) {
        return SearchedStates.mayBegin(new LayerStack(stack.window(0, layers)), STACK);
    }

    @Test
    void whatALayerIsMissingFromIsKnownFromTheFirstLayerAboveItOn() {
        LayerStack without = STACK.without(3, 1);
        assertThat(mayBegin(without, 3)).as("nothing is missing yet").isTrue();
        assertThat(mayBegin(without, 4)).isTrue();
        assertThat(mayBegin(without, 7)).isTrue();
        assertThat(mayBegin(STACK.without(0, 2), 1)).isTrue();
    }

    @Test
    void whatMissesLayersInTwoPlacesOrHasOthersIsNot() {
        LayerStack twice = STACK.without(5, 1).without(2, 1);
        assertThat(mayBegin(twice, 4)).as("up to the second gap").isTrue();
        assertThat(mayBegin(twice, 5)).isFalse();
        assertThat(mayBegin(STACK.replace(2, 2, STACK.get(7)), 4)).isFalse();
        assertThat(mayBegin(STACK.replace(2, 1, STACK.get(1)), 3)).isFalse();
    }
}
