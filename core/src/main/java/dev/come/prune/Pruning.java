package dev.come.prune;

import dev.come.FailedException;
import dev.come.NothingToDoException;
import dev.come.calibration.Calibration;
import dev.come.calibration.CheckedCalibration;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import java.util.List;
import java.util.function.Consumer;

/** Applies a method round by round. */
public final class Pruning {
    private Pruning() {
    }

    /**
     * Prunes until the target is reached, or the method is done. A measurement that is no number never reaches the method.
     *
     * @param start the stack to begin with: the dense one, or that of an interrupted run
     * @param afterRound is told of the steps of each round as soon as they are decided
     * @return the stack in the end
     * @throws FailedException if a measurement is not finite
     */
    public static LayerStack run(PruningMethod method, LayerStack start, int targetLayers, Calibration calibration,
            Consumer<List<PruningStep>> afterRound) {
        return run(method, start, targetLayers, calibration, LayerPattern.ANY, afterRound);
    }

    /**
     * The same, keeping a pattern of kinds of layers: each edit takes a whole group away, or the last layers.
     *
     * @throws NothingToDoException if the method cannot keep it
     */
    public static LayerStack run(PruningMethod method, LayerStack start, int targetLayers, Calibration calibration,
            LayerPattern pattern, Consumer<List<PruningStep>> afterRound) {
        LayerStack stack = start;
        int rounds = method.cost(start.size(), targetLayers).rounds();
        Calibration measuring = new CheckedCalibration(calibration, pattern);
        measuring.focus(stack);
        for (int round = 0; round < rounds && stack.size() > targetLayers; round++) {
            List<PruningStep> steps = method.next(stack, targetLayers, measuring);
            stack = steps.getLast().stack();
            if (!pattern.keepsTheFirst(stack)) {
                throw new NothingToDoException(
                        "%s does not get to --target-layers %s, because the first %s layers of this model stay; "
                                .formatted(method.name(), targetLayers, pattern.fixed()) + "ask for more layers");
            }
            measuring.focus(stack);
            afterRound.accept(steps);
        }
        return stack;
    }
}
