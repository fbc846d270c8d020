package dev.come.prune;

import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/**
 * The first-order Taylor criterion of Shortened LLaMA (Kim et al. 2024): layers go by the least |weight x gradient of the
 * loss|, about what the loss would change by if the weight were zero.
 *
 * @param order {@code --taylor-order}: whether gradients of several sequences are summed before the absolute value
 */
public record Taylor(BlockScore score, GradientOrder order) implements PruningMethod {
    @Override
    public String name() {
        return score.heuristic() ? "taylor+" : "taylor";
    }

    @Override
    public SequencedMap<String, Object> record() {
        SequencedMap<String, Object> record = new LinkedHashMap<>();
        record.put("taylor_order", order.name().toLowerCase(Locale.ROOT).replace('_', '-'));
        record.putAll(score.record(reference()));
        return record;
    }

    private boolean reference() {
        return order == GradientOrder.NEVER_ZEROED;
    }

    @Override
    public Needs needs() {
        return Needs.GRADIENTS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        score.requireReachable(layers, targetLayers, reference());
        return new Cost(1, 4.0 * layers, 3);
    }

    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        score.requireReachable(stack.size(), targetLayers, reference());
        List<Double> logarithms = score.logarithms(calibration.gradientProducts(stack, order));
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("log_taylor", logarithms);
        return Removals.steps(stack, score.order(logarithms, reference()), targetLayers, scores);
    }
}
