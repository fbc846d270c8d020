package dev.come.heal;

import dev.come.Progress;
import dev.come.calibration.StackBesideDense;
import dev.come.calibration.Trial;
import dev.come.checkpoint.FiniteNumbers;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

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
    static int runs(List<Part> parts) {
        return 1 + parts.size();
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
     * @param parts the projections, in the order in which the layer uses them
     * @param side the stack at the states before the layer, the dense model at those that it should end in
     * @param nextEnd how far the dense model is wanted after this layer; it runs on while the last fit is made
     * @param task advances by {@link #runs} times the chunks
     */
    static LayerFit of(LayerNode node, LayerWeights weights, List<Part> parts, StackBesideDense side, int nextEnd,
            Progress.Task task) {
        Trial best = side.run(node, weights, Optional.of(parts.getFirst()));
        double before = best.heldOutError();
        LayerWeights fitted = weights;
        Map<Part, Double> lambdas = new EnumMap<>(Part.class);
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            Optional<Part> next = i + 1 < parts.size() ? Optional.of(parts.get(i + 1)) : Optional.empty();
            boolean bias = weights.asMap().containsKey(part.bias());
            Trial tried = best;
            // The last fit has the most channels, so it leaves the other threads idle for longest.
            Optional<Ridge.Fit> fit = fit(node, tried, bias, side, next.isPresent() ? 0 : nextEnd);
            Optional<LayerWeights> changed = fit.isPresent() ? changed(fitted, part, fit.get()) : Optional.empty();
            if (changed.isPresent()) {
                Trial trial = side.runAgain(best, node, changed.get(), next);
                if (trial.heldOutError() < best.heldOutError()) {
                    side.discard(best);
                    best = trial;
                    fitted = changed.get();
                    lambdas.put(part, fit.get().lambda());
                    continue;
                }
                side.discard(trial);
            }
            if (next.isPresent()) {
                if (changed.isPresent()) {
                    task.advance(-side.chunks()); // the layer is run once more, as it was before the fit
                }
                Trial again = side.runAgain(best, node, fitted, next);
                side.discard(best);
                best = again;
            } else if (changed.isEmpty()) {
                task.advance(side.chunks()); // there is nothing to run it with
            }
        }
        double after = best.heldOutError();
        side.moveOn(best);
        return new LayerFit(fitted, before, after, lambdas);
    }

    /** Fits while the dense model runs on; whoever takes the fit closes it. */
    private static Optional<Ridge.Fit> fit(LayerNode node, Trial tried, boolean bias, StackBesideDense side,
            int denseEnd) {
        try (Opening opening = new Opening()) {
            Optional<Ridge.Fit> fit = side.whileDenseRuns(denseEnd, workspace -> {
                Optional<Ridge.Fit> found = Shortage.named(() -> "Refitting layer " + node.tree(),
                        () -> Ridge.best(tried.fitted(), tried.heldOut(), bias, workspace));
                found.ifPresent(some -> opening.add(some::close)); // if the dense model fails
                return found;
            });
            opening.done();
            return fit;
        }
    }

    /**
     * The weights with a projection, and its bias if it has one, changed and rounded as they are stored. There are none
     * if they are too large for that (float16 ends at 65,504), since such a fit cannot be saved and helps nobody.
     * Closes the fit.
     */
    private static Optional<LayerWeights> changed(LayerWeights weights, Part projection, Ridge.Fit fit) {
        LayerWeights changed;
        try (fit) {
            changed = changed(weights, projection, fit.change().borrow());
        }
        Tensor bias = changed.asMap().get(projection.bias());
        return FiniteNumbers.fill(changed.get(projection)) && (bias == null || FiniteNumbers.fill(bias))
                ? Optional.of(changed)
                : Optional.empty();
    }

    private static LayerWeights changed(LayerWeights weights, Part projection, Tensor change) {
        long channels = weights.get(projection).size(1);
        return weights.map((part, tensor) -> {
            if (part == projection) {
                return sum(tensor, change.narrow(0, 0, channels).t());
            }
            return part == projection.bias() ? sum(tensor, change.select(0, channels)) : tensor;
        });
    }

    private static Tensor sum(Tensor stored, Tensor change) {
        return stored.to(ScalarType.Double).add(change).to(stored.scalar_type()).contiguous();
    }
}
