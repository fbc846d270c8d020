package dev.come.heal;

import dev.come.Progress;
import dev.come.calibration.EndLosses;
import dev.come.calibration.HealingStates;
import dev.come.calibration.StackBesideDense;
import dev.come.calibration.TokenWeights;
import dev.come.heal.Healing.Options;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.bytedeco.javacpp.PointerScope;

/**
 * Goes over all layers of a stack once and fits them, one after the other.
 *
 * @param where has the states
 * @param folder where fits go
 * @param tokens those to fit and those to choose by
 * @param weights how much each of them counts, once their chunks are known
 */
record HealingPass(LayerStore store, HealingStates where, Options options, Path folder, Progress progress, Edits edits,
        HeldOut tokens, Function<TokenChunks, TokenWeights> weights) {
    private static final double NOT_REFITTED = Double.POSITIVE_INFINITY;

    /**
     * What became of the layers.
     *
     * @param layers those that have other weights than the stack, by position
     * @param outcomes of those that were fitted, by position
     * @param losses in the end
     */
    record Outcome(SortedMap<Integer, Trained> layers, SortedMap<Integer, LayerFit> outcomes, EndLosses losses) {}

    /**
     * Fits all layers.
     *
     * @param before those that a pass before has left with other weights, by position
     * @param number for the how manieth time they are fitted, from 1 on
     */
    Outcome run(SortedMap<Integer, Trained> before, int number) {
        int first = edits.first();
        LayerStack stack = edits.stack();
        SortedMap<Integer, Trained> refitted = new TreeMap<>(before);
        SortedMap<Integer, LayerFit> outcomes = new TreeMap<>();
        String what = (number > 1 ? "pass " + number + ", " : "") + "healing " + stack.size() + " layers";
        try (StackBesideDense side = where.beside(tokens, weights, options.targets().reads());
                KeptFits fits = new KeptFits(folder, store, number);
                Progress.Task task = progress.begin(what, runs(first) * side.chunks() + side.lossRuns(), "layers",
                        stack.size() - first)) {
            EndLosses losses = side.reporting(task, () -> {
                side.runBoth(first);
                for (int position = first; position < stack.size(); position++) {
                    int at = position;
                    LayerNode now = before.containsKey(at) ? Objects.requireNonNull(before.get(at)) : stack.get(at);
                    try (var _ = new PointerScope()) {
                        heal(at, fits.materialise(now), side, fits, task).ifPresent(kept -> {
                            outcomes.put(at, kept.fit());
                            kept.layer().ifPresent(layer -> refitted.put(at, layer));
                        });
                    }
                }
                return side.losses(stack);
            });
            return new Outcome(refitted, outcomes, losses);
        }
    }

    /** How often a layer is run, if each of its fits is tried once and taken. */
    private long runs(int first) {
        long runs = store.config().layers();
        for (int position = first; position < edits.stack().size(); position++) {
            runs += isRefitted(position) ? LayerFit.runs(options.targets()) : 1;
        }
        return runs;
    }

    /** Moves on past a layer; what became of it, if it is to be refitted. */
    private Optional<KeptFits.Kept> heal(int position, LayerWeights now, StackBesideDense side, KeptFits fits,
            Progress.Task task) {
        LayerNode node = edits.stack().get(position);
        side.runDense(edits.end(position));
        if (!isRefitted(position)) {
            side.moveOn(side.run(node, now, Optional.empty()));
            return Optional.empty();
        }
        Optional<KeptFits.Kept> found = fits.find(position, node, now);
        if (found.isPresent()) {
            LayerNode fitted = found.get().layer().map(LayerNode.class::cast).orElse(node);
            side.moveOn(side.run(fitted, found.get().fit().weights(), Optional.empty()));
            task.skip((long) options.targets().fits() * side.chunks());
            return found;
        }
        return Optional.of(fits.keep(position, node,
                LayerFit.of(node, now, options.targets(), side, edits.end(position + 1), task)));
    }

    private boolean isRefitted(int position) {
        return switch (options.scope()) {
            case ALL -> true;
            case CUT -> edits.isBesideCut(position);
        };
    }

    /**
     * For the record, by position in the stack.
     *
     * @param first what the first pass came to
     * @param last what the last one came to that was taken
     */
    SequencedMap<String, List<Double>> scores(Outcome first, Outcome last) {
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("held_out_error_before", byPosition(first, LayerFit::before));
        scores.put("held_out_error_after", byPosition(last, LayerFit::after));
        scores.put("lambda_o", lambdas(last, Part.OUTPUT));
        scores.put("lambda_down", lambdas(last, Part.DOWN));
        if (options.targets().reads()) {
            scores.put("lambda_qkv", lambdas(last, Part.QUERY));
            scores.put("lambda_gate_up", lambdas(last, Part.UP));
        }
        return scores;
    }

    private List<Double> lambdas(Outcome pass, Part part) {
        return byPosition(pass, fit -> fit.lambdas().getOrDefault(part, NOT_REFITTED));
    }

    private List<Double> byPosition(Outcome pass, ToDoubleFunction<LayerFit> score) {
        List<Double> values = new ArrayList<>(Collections.nCopies(edits.stack().size(), NOT_REFITTED));
        for (Map.Entry<Integer, LayerFit> fit : pass.outcomes.entrySet()) {
            values.set(fit.getKey(), score.applyAsDouble(fit.getValue()));
        }
        return values;
    }
}
