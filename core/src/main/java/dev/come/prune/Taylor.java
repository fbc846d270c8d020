package dev.come.prune;

import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.prune.BlockScore.Reduction;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * The first-order Taylor criterion of Shortened LLaMA (Kim et al. 2024). Layers go by the least |weight x gradient of
 * the loss|, about the change of the loss if the weight were zero.
 */
public record Taylor(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        BlockScore score = options.score();
        score.requireReachable(stack.size(), targetLayers, options.compat);
        List<Double> logarithms = score.logarithms(calibration.gradientProducts(stack, options.taylorOrder));
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("log_taylor", logarithms);
        return Removals.steps(stack, score.order(logarithms, options.compat), targetLayers, scores,
                calibration.pattern());
    }

    /**
     * The options.
     *
     * @param taylorOrder {@code --taylor-order}: whether gradients of several sequences are summed before the absolute value;
     *        {@link GradientOrder#NEVER_ZEROED} in the reference and only there
     * @param weightReduction {@code --weight-reduction}: makes one number of the rows of a weight
     * @param blockReduction {@code --block-reduction}: makes one number of the weights of a layer
     * @param heuristic {@code --heuristic}, the "+" of the name: the first four and the last two layers stay
     * @param compat {@code --compat}; in the reference these layers go last, and gradients are never zeroed
     */
    public record Options(GradientOrder taylorOrder, Reduction weightReduction, Reduction blockReduction,
            boolean heuristic, Compat compat) {
        /** The authors' defaults. */
        public static final Options DEFAULTS = new Options(GradientOrder.SUM_FIRST, Reduction.SUM, Reduction.SUM,
                false, Compat.NONE);

        /** The same with the "+" rule. */
        public static final Options PLUS = new Options(GradientOrder.SUM_FIRST, Reduction.SUM, Reduction.SUM, true,
                Compat.NONE);

        public Options {
            if ((taylorOrder == GradientOrder.NEVER_ZEROED) != compat.isReference()) {
                throw new UsageException("--taylor-order is for --compat none: the authors' code, --compat reference, "
                        + "never zeroes gradients and has no such order; leave out one of the two");
            }
        }

        private BlockScore score() {
            return new BlockScore(weightReduction, blockReduction, heuristic);
        }
    }

    @Override
    public String name() {
        return options.heuristic ? "taylor+" : "taylor";
    }

    @Override
    public Needs needs() {
        return Needs.GRADIENTS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        options.score().requireReachable(layers, targetLayers, options.compat);
        return Cost.once(4.0 * layers, 2);
    }
}
