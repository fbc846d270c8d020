package dev.come.prune;

import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.calibration.Calibration.Tokens;
import dev.come.prune.WindowChoice.Chosen;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/**
 * CoMe-P: progressive, posterior-based CoMe (Wang et al., NeurIPS 2025, algorithm 2).
 *
 * <p>As {@link ConcatMerge}, but the distance across a pair of layers is averaged over all tokens, and of the ratios i/g :
 * 1 - i/g, i = 0 to g, the one is taken with which the loss is least.
 */
public record ConcatMergeP(Options options) implements PruningMethod {
    private static final int PAIR = 2;

    /**
     * The options under the authors' names.
     *
     * @param skip {@code --skip-method}: how the pair is chosen
     * @param mergeItem {@code --merge-item}: always 2
     * @param withoutRepeat {@code --wo-repeat}: a merged layer is never merged again
     * @param granularity {@code --granularity}: g, into how many parts the ratio is divided
     * @param reference {@code --compat reference}: query heads tiled
     */
    public record Options(SkipMethod skip, int mergeItem, boolean withoutRepeat, int granularity, boolean reference) {
        /** The authors' defaults. */
        public static final Options DEFAULTS = new Options(SkipMethod.BI, PAIR, false, 20, false);

        public Options {
            if (mergeItem != PAIR) {
                throw new UsageException("--merge-item is " + mergeItem + ", but concat_merge_P merges pairs: 2 only");
            }
            requireGranularity(granularity);
        }
    }

    static void requireGranularity(int granularity) {
        if (granularity < 1) {
            throw new UsageException("--granularity is " + granularity + ", but must be at least 1");
        }
    }

    @Override
    public String name() {
        return "concat_merge_P";
    }

    @Override
    public SequencedMap<String, Object> record() {
        SequencedMap<String, Object> record = new LinkedHashMap<>();
        record.put("skip_method", options.skip.name().toLowerCase(Locale.ROOT));
        record.put("merge_item", options.mergeItem);
        record.put("wo_repeat", options.withoutRepeat);
        record.put("granularity", options.granularity);
        record.put("compat", options.reference ? "reference" : "none");
        return record;
    }

    @Override
    public Needs needs() {
        return Needs.TOKENS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        int steps = layers - targetLayers;
        ConcatMerge.requireEnough(layers, targetLayers, options.withoutRepeat, PAIR, steps);
        double runs = layers;
        double losses = 0;
        for (int left = layers; left > targetLayers; left--) {
            int candidates = options.granularity + 1 + (options.skip == SkipMethod.SLEB ? left : 0);
            runs += left / 2.0 + candidates * left / 2.0;
            losses += candidates;
        }
        return new Cost(steps, runs, losses);
    }

    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        Chosen window = new WindowChoice(options.skip, Tokens.ALL, options.withoutRepeat, options.reference)
                .choose(stack, PAIR, targetLayers, calibration);
        SensitiveParts parts = new SensitiveParts(stack, window.position(), PAIR,
                options.reference ? QueryHeads.TILED : QueryHeads.GROUPED, calibration);

        List<List<Double>> ratios = IntStream.rangeClosed(0, options.granularity)
                .mapToDouble(i -> (double) i / options.granularity).mapToObj(r -> List.of(r, 1 - r)).toList();
        SearchedLosses searched = calibration.searchLosses(ratios.stream()
                .map(ratio -> stack.replace(window.position(), PAIR, parts.concatenated(ratio))).toList());
        List<Double> ratio = ratios.get(Removals.least(searched.losses()));

        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>(window.scores());
        scores.put("loss_by_ratio", searched.losses());
        scores.put("loss_by_ratio_at_least", searched.lowerBounds());
        return List.of(PruningStep.merge(stack, window.position(), PAIR, parts.concatenated(ratio), ratio, scores));
    }
}
