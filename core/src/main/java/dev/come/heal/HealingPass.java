package dev.come.heal;

import dev.come.Progress;
import dev.come.calibration.EndLosses;
import dev.come.calibration.HealingStates;
import dev.come.calibration.StackBesideDense;
import dev.come.calibration.TokenWeights;
import dev.come.heal.Healing.Options;
import dev.come.heal.Healing.Seam;
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
import java.util.stream.IntStream;
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
        try (StackBesideDense side = where.beside(tokens, weights, options.reads());
                KeptFits fits = new KeptFits(folder, store, number);
                Progress.Task task = progress.begin(what, runs(first) * side.chunks() + side.lossRuns(), "layers",
                        stack.size() - first)) {
            EndLosses losses = side.reporting(task, () -> {
                side.runBoth(first);
                for (int position = first; position < stack.size(); position += together(position)) {
                    int at = position;
                    List<LayerNode> now = IntStream.range(at, at + together(at)).mapToObj(
                            one -> before.containsKey(one) ? Objects.requireNonNull(before.get(one)) : stack.get(one))
                            .toList();
                    try (var _ = new PointerScope()) {
                        List<KeptFits.Kept> healed = heal(at, now.stream().map(fits::materialise).toList(), side, fits,
                                task);
                        for (int i = 0; i < healed.size(); i++) {
                            int one = at + i;
                            outcomes.put(one, healed.get(i).fit());
                            healed.get(i).layer().ifPresent(layer -> refitted.put(one, layer));
                        }
                    }
                }
                return side.losses(stack);
            });
            return new Outcome(refitted, outcomes, losses);
        }
    }

    /** How many layers are fitted together from this one on. */
    private int together(int position) {
        return options.seam() == Seam.PAIR && edits.isBeforeGap(position) ? SeamPair.LAYERS : 1;
    }

    /** How often a layer is run, if each of its fits is tried once and taken. */
    private long runs(int first) {
        long runs = store.config().layers();
        for (int position = first; position < edits.stack().size(); position += together(position)) {
            runs += isRefitted(position) ? runsOfFits(together(position)) : 1;
        }
        return runs;
    }

    private long runsOfFits(int together) {
        return together > 1 ? SeamPair.runs() : LayerFit.runs(options.targets());
    }

    /** Moves on past layers that are fitted together, or one; what became of them, if they are to be refitted. */
    private List<KeptFits.Kept> heal(int position, List<LayerWeights> now, StackBesideDense side, KeptFits fits,
            Progress.Task task) {
        side.runDense(edits.end(position));
        if (!isRefitted(position)) {
            side.moveOn(side.run(edits.stack().get(position), now.getFirst(), Optional.empty()));
            return List.of();
        }
        List<KeptFits.Kept> kept = new ArrayList<>();
        for (int i = 0; i < now.size(); i++) {
            fits.find(position + i, edits.stack().get(position + i), now.get(i)).ifPresent(kept::add);
        }
        if (kept.size() == now.size()) {
            for (int i = 0; i < kept.size(); i++) {
                side.runDense(edits.end(position + i));
                LayerNode fitted = kept.get(i).layer().map(LayerNode.class::cast)
                        .orElse(edits.stack().get(position + i));
                side.moveOn(side.run(fitted, kept.get(i).fit().weights(), Optional.empty()));
            }
            task.skip((runsOfFits(now.size()) - now.size()) * side.chunks());
            return kept;
        }
        int nextEnd = edits.end(position + now.size());
        List<LayerFit> fitted = now.size() > 1
                ? new SeamPair(edits, position, side, task).fit(now, nextEnd)
                : List.of(LayerFit.of(edits.stack().get(position), now.getFirst(), options.targets(), side, nextEnd,
                        task));
        return IntStream.range(0, now.size())
                .mapToObj(i -> fits.keep(position + i, edits.stack().get(position + i), fitted.get(i))).toList();
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
        if (options.reads()) {
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
