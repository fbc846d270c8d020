package dev.come.heal;

import dev.come.Progress;
import dev.come.calibration.Moments;
import dev.come.calibration.Reads;
import dev.come.calibration.StackBesideDense;
import dev.come.calibration.Trial;
import dev.come.checkpoint.FiniteNumbers;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import dev.come.heal.Healing.Targets;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.stack.LayerNode;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Fits the projections of one layer, one after the other in the order in which the layer uses them. Each is kept only if the
 * layer, run with it as it will be saved, comes nearer to the dense states on tokens that no fit has seen.
 */
final class LayerFitting {
    private final LayerNode node;
    private final StackBesideDense side;
    private final Progress.Task task;
    private final Map<Part, Double> lambdas = new EnumMap<>(Part.class);

    /** @param task advances by {@link LayerFit#runs} times the chunks */
    LayerFitting(LayerNode node, StackBesideDense side, Progress.Task task) {
        this.node = node;
        this.side = side;
        this.task = task;
    }

    /**
     * What is best so far.
     *
     * @param trial the layer with these weights, about the projection that comes next
     */
    private record Best(LayerWeights weights, Trial trial) {}

    LayerFit fit(LayerWeights weights, Targets targets, int nextEnd) {
        List<Part> parts = targets.parts();
        Best best = new Best(weights, side.run(node, weights, Optional.of(parts.getFirst())));
        double before = best.trial.heldOutError();
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            if (targets.reads()) {
                best = withReads(best, part);
            }
            Optional<Part> next = i + 1 < parts.size() ? Optional.of(parts.get(i + 1)) : Optional.empty();
            // The last fit has the most channels, so it leaves the other threads idle for longest.
            best = withWrites(best, part, next, next.isPresent() ? 0 : nextEnd);
        }
        side.moveOn(best.trial);
        return new LayerFit(best.weights, before, best.trial.heldOutError(), lambdas);
    }

    /** Fits a projection that writes to the residual stream. */
    private Best withWrites(Best best, Part part, Optional<Part> next, int denseEnd) {
        boolean bias = best.weights.asMap().containsKey(part.bias());
        Optional<LayerWeights> changed = Optional.empty();
        Optional<Ridge.Fit> fit = fit(best.trial.fitted(), best.trial.heldOut(), bias, denseEnd);
        if (fit.isPresent()) {
            changed = changed(best.weights, List.of(part), fit.get(), bias);
        }
        if (changed.isPresent()) {
            Trial trial = side.runAgain(best.trial, node, changed.get(), next);
            if (trial.heldOutError() < best.trial.heldOutError()) {
                side.discard(best.trial);
                lambdas.put(part, fit.get().lambda());
                return new Best(changed.get(), trial);
            }
            side.discard(trial);
        }
        if (next.isPresent()) {
            if (changed.isPresent()) {
                task.advance(-side.chunks()); // the layer is run once more, as it was before the fit
            }
            Trial again = side.runAgain(best.trial, node, best.weights, next);
            side.discard(best.trial);
            return new Best(best.weights, again);
        }
        if (changed.isEmpty()) {
            task.advance(side.chunks()); // there is nothing to run it with
        }
        return best;
    }

    /** Fits the projections that read what the half reads whose other end writes with this one. */
    private Best withReads(Best best, Part writes) {
        Optional<LayerWeights> changed = Optional.empty();
        Optional<Ridge.Fit> fit = Optional.empty();
        Optional<Reads> measured = side.reads(node, best.weights, best.trial);
        if (measured.isPresent()) {
            try (Reads reads = measured.get()) {
                fit = fit(reads.fitted(), reads.heldOut(), reads.bias(), 0);
                if (fit.isPresent()) {
                    changed = changed(best.weights, reads.projections(), fit.get(), reads.bias());
                }
            }
        }
        if (changed.isEmpty()) {
            task.advance(side.chunks()); // there is nothing to run it with
            return best;
        }
        Trial trial = side.run(node, changed.get(), Optional.of(writes));
        if (trial.heldOutError() < best.trial.heldOutError()) {
            side.discard(best.trial);
            lambdas.put(writes == Part.DOWN ? Part.UP : Part.QUERY, fit.orElseThrow().lambda());
            return new Best(changed.get(), trial);
        }
        side.discard(trial);
        return best;
    }

    /** Fits while the dense model runs on; whoever takes the fit closes it. */
    private Optional<Ridge.Fit> fit(Moments fitted, Moments heldOut, boolean bias, int denseEnd) {
        try (Opening opening = new Opening()) {
            Optional<Ridge.Fit> fit = side.whileDenseRuns(denseEnd, workspace -> {
                Optional<Ridge.Fit> found = Shortage.named(() -> "Refitting layer " + node.tree(),
                        () -> Ridge.best(fitted, heldOut, bias, workspace));
                found.ifPresent(some -> opening.add(some::close)); // if the dense model fails
                return found;
            });
            opening.done();
            return fit;
        }
    }

    /**
     * The weights with projections, and their biases if they have some, changed and rounded as they are stored. There are none
     * if they are too large for that (float16 ends at 65,504), since such a fit cannot be saved and helps nobody.
     * Closes the fit.
     *
     * @param projections in the order of the outputs of the fit
     */
    private static Optional<LayerWeights> changed(LayerWeights weights, List<Part> projections, Ridge.Fit fit,
            boolean bias) {
        LayerWeights changed = weights;
        try (fit) {
            long first = 0;
            for (Part projection : projections) {
                long outputs = weights.get(projection).size(0);
                changed = changed(changed, projection, fit.change().borrow().narrow(1, first, outputs), bias);
                first += outputs;
            }
        }
        for (Part projection : projections) {
            Tensor ofBias = changed.asMap().get(projection.bias());
            if (!FiniteNumbers.fill(changed.get(projection))
                    || (ofBias != null && !FiniteNumbers.fill(ofBias))) {
                return Optional.empty();
            }
        }
        return Optional.of(changed);
    }

    private static LayerWeights changed(LayerWeights weights, Part projection, Tensor change, boolean bias) {
        long channels = weights.get(projection).size(1);
        return weights.map((part, tensor) -> {
            if (part == projection) {
                return sum(tensor, change.narrow(0, 0, channels).t());
            }
            return bias && part == projection.bias() ? sum(tensor, change.select(0, channels)) : tensor;
        });
    }

    private static Tensor sum(Tensor stored, Tensor change) {
        return stored.to(ScalarType.Double).add(change).to(stored.scalar_type()).contiguous();
    }
}
