package dev.come.prune;

import dev.come.calibration.Calibration;
import dev.come.prune.BlockScore.Reduction;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * The magnitude criterion of Shortened LLaMA (Kim et al. 2024), section on magnitude: layers with the smallest weights go. It
 * needs no data.
 */
public record Magnitude(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        BlockScore score = options.score();
        score.requireReachable(stack.size(), targetLayers, options.compat);
        List<Double> logarithms = score.logarithms(calibration.magnitudes(stack));
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("log_magnitude", logarithms);
        return Removals.steps(stack, score.order(logarithms, options.compat), targetLayers, scores,
                calibration.pattern());
    }

    /**
     * The options.
     *
     * @param weightReduction {@code --weight-reduction}: makes one number of the rows of a weight
     * @param blockReduction {@code --block-reduction}: makes one number of the weights of a layer
     * @param heuristic {@code --heuristic}, the "+" of the name: the first four and the last two layers stay
     * @param compat {@code --compat}; in the reference these layers go last
     */
    public record Options(Reduction weightReduction, Reduction blockReduction, boolean heuristic, Compat compat) {
        /** The authors' defaults. */
        public static final Options DEFAULTS = new Options(Reduction.SUM, Reduction.SUM, false, Compat.NONE);

        /** The same with the "+" rule. */
        public static final Options PLUS = new Options(Reduction.SUM, Reduction.SUM, true, Compat.NONE);

        private BlockScore score() {
            return new BlockScore(weightReduction, blockReduction, heuristic);
        }
    }

    @Override
    public String name() {
        return options.heuristic ? "magnitude+" : "magnitude";
    }

    @Override
    public Needs needs() {
        return Needs.WEIGHTS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        options.score().requireReachable(layers, targetLayers, options.compat);
        return Cost.once(0, 0);
    }
}
