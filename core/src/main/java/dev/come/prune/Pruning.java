package dev.come.prune;

import dev.come.calibration.Calibration;
import dev.come.stack.LayerStack;
import java.util.function.Consumer;

/** Applies a method step by step. */
public final class Pruning {
    private Pruning() {
    }

    /**
     * Prunes until the target is reached.
     *
     * @param start the stack to begin with: the dense one, or that of an interrupted run
     * @param afterStep is told of each step as soon as it is decided
     * @return the stack with the target number of layers
     */
    public static LayerStack run(PruningMethod method, LayerStack start, int targetLayers, Calibration calibration,
            Consumer<PruningStep> afterStep) {
        LayerStack stack = start;
        while (stack.size() > targetLayers) {
            PruningStep step = method.step(stack, targetLayers, calibration);
            stack = step.stack();
            calibration.focus(stack);
            afterStep.accept(step);
        }
        return stack;
    }
}
