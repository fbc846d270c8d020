package dev.come.prune;

import dev.come.calibration.Calibration;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * The magnitude criterion of Shortened LLaMA (Kim et al. 2024), section on magnitude: layers with the smallest weights go. It
 * needs no data.
 *
 * @param reference {@code --compat reference}
 */
public record Magnitude(BlockScore score, boolean reference) implements PruningMethod {
    @Override
    public String name() {
        return score.heuristic() ? "magnitude+" : "magnitude";
    }

    @Override
    public SequencedMap<String, Object> record() {
        return score.record(reference);
    }

    @Override
    public Needs needs() {
        return Needs.WEIGHTS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        score.requireReachable(layers, targetLayers, reference);
        return new Cost(1, 0, 0);
    }

    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        score.requireReachable(stack.size(), targetLayers, reference);
        List<Double> logarithms = score.logarithms(calibration.magnitudes(stack));
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("log_magnitude", logarithms);
        return Removals.steps(stack, score.order(logarithms, reference), targetLayers, scores);
    }
}
