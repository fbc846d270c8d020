package dev.come.prune;

import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Tokens;
import dev.come.calibration.Reading;
import dev.come.stack.LayerStack;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * ShortGPT (Men et al. 2024): block influence is measured once, and the layers with the least go.
 *
 * <p>With {@code --angular} the variant of Gromov et al. 2024: of all blocks of as many adjacent layers as are to go, the one
 * across which the last tokens turn the least.
 */
public record ShortGpt(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        if (options.angular) {
            int count = stack.size() - targetLayers;
            List<Double> distances = calibration.angularDistance(stack, count, Tokens.LAST);
            scores.put("angular_distance", distances);
            int position = calibration.pattern().removable(stack, count).stream()
                    .min(Comparator.comparing(distances::get)).orElseThrow();
            return List.of(PruningStep.remove(stack, position, count, scores));
        }
        List<Double> influence = calibration.blockInfluence(stack);
        scores.put("block_influence", influence);
        return Removals.steps(stack, Removals.ascending(influence), targetLayers, scores,
                calibration.pattern());
    }

    /**
     * The options.
     *
     * @param angular {@code --angular}
     * @param compat {@code --compat}; the reference differs in the measurements alone
     */
    public record Options(boolean angular, Compat compat) {
        /** The paper's. */
        public static final Options DEFAULTS = new Options(false, Compat.NONE);
    }

    @Override
    public String name() {
        return "shortgpt";
    }

    @Override
    public Reading reading() {
        return options.compat.reading();
    }

    @Override
    public Needs needs() {
        return Needs.TOKENS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        return Cost.once(layers, 0);
    }
}
