package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** SLEB (Song et al. 2024): each step removes the layer without which the loss is least. */
public record Sleb(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        Barriers barriers = options.barriers;
        List<LayerStack> candidates = new ArrayList<>();
        for (int position = barriers.first(); position < stack.size() - barriers.last(); position++) {
            candidates.add(stack.without(position, 1));
        }
        if (candidates.isEmpty()) {
            throw new NothingToDoException("--barriers " + barriers + " keeps all of the "
                    + stack.size() + " layers that are left; lower the barriers");
        }
        SearchedLosses searched = calibration.searchLosses(candidates);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("loss", betweenBarriers(searched.losses()));
        scores.put("loss_at_least", betweenBarriers(searched.lowerBounds()));
        int position = barriers.first() + Removals.least(searched.losses());
        return List.of(PruningStep.remove(stack, position, 1, scores));
    }

    private List<Double> betweenBarriers(List<Double> values) {
        List<Double> all = new ArrayList<>(Collections.nCopies(options.barriers.first(), Double.POSITIVE_INFINITY));
        all.addAll(values);
        all.addAll(Collections.nCopies(options.barriers.last(), Double.POSITIVE_INFINITY));
        return all;
    }

    /**
     * The options.
     *
     * @param barriers {@code --barriers}: layers that are never removed
     * @param compat {@code --compat}; the authors' code has other barriers, and does the same otherwise
     */
    public record Options(Barriers barriers, Compat compat) {
        /** The paper's. */
        public static final Options DEFAULTS = new Options(Barriers.ONE_EACH, Compat.NONE);

        /** Those of the authors' code. */
        public static final Options REFERENCE = new Options(Barriers.NONE, Compat.REFERENCE);
    }

    @Override
    public String name() {
        return "sleb";
    }

    @Override
    public Needs needs() {
        return Needs.TOKENS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        options.barriers.requireReachable(targetLayers);
        return Cost.ofSearches(layers, targetLayers, options.barriers::removable);
    }
}
