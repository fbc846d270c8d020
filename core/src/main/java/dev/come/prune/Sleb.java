package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * SLEB (Song et al. 2024): each step removes the layer without which the loss is least.
 *
 * @param firstBarrier so many layers at the beginning are never removed ({@code --barriers})
 * @param lastBarrier so many at the end
 * @param reference {@code --compat reference}: for the record; the authors' code differs in the barriers alone
 */
public record Sleb(int firstBarrier, int lastBarrier, boolean reference) implements PruningMethod {
    public Sleb {
        requireBarriers(firstBarrier, lastBarrier);
    }

    static void requireBarriers(int firstBarrier, int lastBarrier) {
        if (firstBarrier < 0 || lastBarrier < 0) {
            throw new UsageException(
                    "--barriers is " + firstBarrier + "," + lastBarrier + ", but neither may be less than 0");
        }
    }

    @Override
    public String name() {
        return "sleb";
    }

    @Override
    public SequencedMap<String, Object> record() {
        SequencedMap<String, Object> record = new LinkedHashMap<>();
        record.put("barriers", List.of(firstBarrier, lastBarrier));
        record.put("compat", reference ? "reference" : "none");
        return record;
    }

    @Override
    public Needs needs() {
        return Needs.TOKENS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        int kept = firstBarrier + lastBarrier;
        if (targetLayers < kept) {
            throw new NothingToDoException("--barriers " + firstBarrier + "," + lastBarrier + " keeps " + kept
                    + " layers, so --target-layers " + targetLayers
                    + " is not reached; ask for more layers, or lower the barriers");
        }
        double runs = layers;
        double losses = 0;
        for (int left = layers; left > targetLayers; left--) {
            int candidates = left - kept;
            runs += left / 2.0 + candidates * left / 2.0; // the stack again from the last removal on; what is behind a candidate
            losses += candidates;
        }
        return new Cost(layers - targetLayers, runs, losses);
    }

    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        List<LayerStack> candidates = new ArrayList<>();
        for (int position = firstBarrier; position < stack.size() - lastBarrier; position++) {
            candidates.add(stack.without(position, 1));
        }
        if (candidates.isEmpty()) {
            throw new NothingToDoException("--barriers " + firstBarrier + "," + lastBarrier + " keeps all of the "
                    + stack.size() + " layers that are left; lower the barriers");
        }
        SearchedLosses searched = calibration.searchLosses(candidates);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("loss", betweenBarriers(searched.losses()));
        scores.put("loss_at_least", betweenBarriers(searched.lowerBounds()));
        int position = firstBarrier + Removals.least(searched.losses());
        return List.of(PruningStep.remove(stack, position, 1, scores));
    }

    private List<Double> betweenBarriers(List<Double> values) {
        List<Double> all = new ArrayList<>(Collections.nCopies(firstBarrier, Double.POSITIVE_INFINITY));
        all.addAll(values);
        all.addAll(Collections.nCopies(lastBarrier, Double.POSITIVE_INFINITY));
        return all;
    }
}
