package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * SLEB (Song et al. 2024): each step removes the layer without which the loss is least. Where a pattern is kept it is a group of
 * adjacent layers.
 */
public record Sleb(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        Barriers barriers = options.barriers;
        List<LayerStack> candidates = new ArrayList<>();
        int width = calibration.pattern().width(stack, targetLayers);
        List<Integer> positions = calibration.pattern().removable(stack, width).stream().filter(
                position -> position >= barriers.first() && position + width <= stack.size() - barriers.last())
                .toList();
        positions.forEach(position -> candidates.add(stack.without(position, width)));
        if (candidates.isEmpty()) {
            throw new NothingToDoException("--barriers " + barriers + " keeps all of the "
                    + stack.size() + " layers that are left"
                    + (!calibration.pattern().isAny() ? " that may go without breaking the pattern of layers" : "")
                    + "; lower the barriers");
        }
        SearchedLosses searched = calibration.searchLosses(candidates);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("loss", WindowChoice.spread(positions, searched.losses(), stack.size() - width + 1));
        scores.put("loss_at_least", WindowChoice.spread(positions, searched.lowerBounds(), stack.size() - width + 1));
        int position = positions.get(Removals.least(searched.losses()));
        return List.of(PruningStep.remove(stack, position, width, scores));
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
