package dev.come.heal;

import dev.come.Progress;
import dev.come.calibration.StackBesideDense;
import dev.come.heal.Healing.Targets;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The layer before a gap and the layer after it, which make up for what was left out together. A linear map of the residual
 * stream would do much of it, but no layer has one: the layer before can only write what is linear in its heads and channels. So
 * both are fitted in all that {@link Targets#ALL} says: the layer after reads through that map, as far as its norms let it. Both
 * are fitted one after the other, and then once more, each from what the first pass has left. The second pass is taken if the
 * state behind the pair comes nearer to the dense one on tokens that no fit has seen.
 *
 * @param position of the first of them in the stack
 */
record SeamPair(Edits edits, int position, StackBesideDense side, Progress.Task task) {
    /** Layers. */
    static final int LAYERS = 2;

    /** How often each is fitted. */
    static final int PASSES = 2;

    /** Projections. */
    static final Targets TARGETS = Targets.ALL;

    /** How often both are run, if each of their fits is tried once and taken. */
    static int runs() {
        return LAYERS * PASSES * LayerFit.runs(TARGETS);
    }

    /**
     * Fits both, and moves on with what came of it.
     *
     * @param weights of the current PointerScope
     * @param nextEnd how far the dense model is wanted after them; it runs on while the last fit is made
     */
    List<LayerFit> fit(List<LayerWeights> weights, int nextEnd) {
        side.keepPlace(edits.end(position));
        List<LayerFit> first = pass(weights, 0);
        side.goBack();
        List<LayerFit> second = pass(first.stream().map(LayerFit::weights).toList(), nextEnd);
        boolean nearer = second.getLast().after() < first.getLast().after();
        side.decide(nearer);
        return nearer ? List.of(both(first.get(0), second.get(0)), both(first.get(1), second.get(1))) : first;
    }

    private List<LayerFit> pass(List<LayerWeights> weights, int nextEnd) {
        LayerFit before = fit(position, weights.getFirst(), edits.end(position + 1));
        return List.of(before, fit(position + 1, weights.getLast(), nextEnd));
    }

    private LayerFit fit(int at, LayerWeights weights, int nextEnd) {
        side.runDense(edits.end(at));
        return LayerFit.of(edits.stack().get(at), weights, TARGETS, side, nextEnd, task);
    }

    /** What one layer has had of both passes. */
    private static LayerFit both(LayerFit first, LayerFit second) {
        Map<Part, Double> lambdas = new EnumMap<>(Part.class);
        lambdas.putAll(first.lambdas());
        lambdas.putAll(second.lambdas());
        return new LayerFit(second.weights(), first.before(), second.after(), lambdas);
    }
}
