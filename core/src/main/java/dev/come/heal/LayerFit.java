package dev.come.heal;

import dev.come.Progress;
import dev.come.calibration.StackBesideDense;
import dev.come.heal.Healing.Targets;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.Map;

/**
 * What became of a layer that was fitted to the states of the dense model.
 *
 * @param weights as they will be saved; those that it had before where no fit was taken
 * @param before the error on tokens that the fits did not see, before them
 * @param after the same with these weights
 * @param lambdas the penalty of each projection whose fit was taken
 */
record LayerFit(LayerWeights weights, double before, double after, Map<Part, Double> lambdas) {
    /** How often the layer is run, if each of its fits is tried once and taken. */
    static int runs(Targets targets) {
        return 1 + targets.fits();
    }

    /**
     * The original layer before which the dense model has the state that a layer should end in.
     *
     * @param layers of the dense model
     */
    static int end(LayerStack stack, int position, int layers) {
        return position + 1 < stack.size() ? stack.firstOriginals().get(position + 1) : layers;
    }

    /** Whether a fit was taken. */
    boolean isTaken() {
        return !lambdas.isEmpty();
    }

    /**
     * Fits the projections of a layer one after the other, and moves on with what came of it.
     *
     * @param weights of the current PointerScope
     * @param targets the projections
     * @param side the stack at the states before the layer, the dense model at those that it should end in
     * @param nextEnd how far the dense model is wanted after this layer; it runs on while the last fit is made
     * @param task advances by {@link #runs} times the chunks
     */
    static LayerFit of(LayerNode node, LayerWeights weights, Targets targets, StackBesideDense side, int nextEnd,
            Progress.Task task) {
        return new LayerFitting(node, side, task).fit(weights, targets, nextEnd);
    }
}
