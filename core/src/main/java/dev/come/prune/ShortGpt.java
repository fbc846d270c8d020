package dev.come.prune;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.come.UsageException;
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
 * across which the last tokens turn the least. With {@code --layer-score rm} layers go that move the states least, relative to
 * their length, which ShortGPT compares block influence with.
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
        List<Double> score = switch (options.layerScore) {
            case BI -> calibration.blockInfluence(stack);
            case RM -> calibration.relativeMagnitude(stack);
        };
        scores.put(options.layerScore == LayerScore.BI ? "block_influence" : "relative_magnitude", score);
        return Removals.steps(stack, Removals.ascending(score), targetLayers, scores, calibration.pattern());
    }

    /** What layers are compared by. */
    public enum LayerScore {
        /** Block influence: how far they turn the states. */
        BI,
        /** Relative magnitude: how far they move them. */
        RM
    }

    /**
     * The options.
     *
     * @param angular {@code --angular}
     * @param layerScore {@code --layer-score}
     * @param compat {@code --compat}; the reference differs in the measurements alone
     */
    public record Options(boolean angular,
            @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = AsInThePaper.class) LayerScore layerScore,
            Compat compat) {
        /** The paper's. */
        public static final Options DEFAULTS = new Options(false, Compat.NONE);

        /** With block influence. */
        public Options(boolean angular, Compat compat) {
            this(angular, LayerScore.BI, compat);
        }

        public Options {
            if (layerScore != LayerScore.BI && (angular || compat.isReference())) {
                throw new UsageException("--layer-score rm does not go with "
                        + (angular
                                ? "--angular, which compares blocks of layers by their angle"
                                : "--compat reference, which repeats code that has no such score")
                        + "; leave out one of the two");
            }
        }
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
