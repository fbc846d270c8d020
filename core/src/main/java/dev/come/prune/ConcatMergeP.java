package dev.come.prune;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.calibration.Calibration.Tokens;
import dev.come.calibration.Reading;
import dev.come.prune.WindowChoice.Chosen;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/**
 * CoMe-P: progressive, posterior-based CoMe (Wang et al., NeurIPS 2025, algorithm 2).
 *
 * <p>As {@link ConcatMerge}, but the distance across a pair of layers is averaged over all tokens, and of the ratios i/g :
 * 1 - i/g, i = 0 to g, the one is taken with which the loss is least.
 */
public record ConcatMergeP(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        calibration.pattern().requireWholeGroups(PAIR);
        Chosen window = new WindowChoice(options.skipMethod, Tokens.ALL, options.woRepeat, options.compat)
                .choose(stack, PAIR, targetLayers, calibration);
        SensitiveParts parts = SensitiveParts.of(stack, window.position(), PAIR, options.channelScore,
                options.mergeNorms, options.compat, calibration);

        List<List<Double>> ratios = IntStream.rangeClosed(0, options.granularity)
                .mapToDouble(i -> (double) i / options.granularity).mapToObj(r -> List.of(r, 1 - r)).toList();
        SearchedLosses searched = calibration.searchLosses(ratios.stream()
                .map(ratio -> stack.replace(window.position(), PAIR, merged(parts, ratio))).toList());
        List<Double> ratio = ratios.get(Removals.least(searched.losses()));

        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>(window.scores());
        scores.put("loss_by_ratio", searched.losses());
        scores.put("loss_by_ratio_at_least", searched.lowerBounds());
        PruningStep step = PruningStep.merge(stack, window.position(), PAIR, merged(parts, ratio), ratio, scores);
        return List.of(options.compensate.after(step, calibration));
    }

    private static LayerNode merged(SensitiveParts parts, List<Double> ratio) {
        return parts.concatenated(ratio, MergeRatio.AS_DOUBLES);
    }

    private static final int PAIR = 2;

    /**
     * The options under the authors' names, and those of this project: mergeNorms, channelScore and compensate.
     *
     * @param skipMethod {@code --skip-method}: how the pair is chosen
     * @param mergeItem {@code --merge-item}: always 2
     * @param woRepeat {@code --wo-repeat}: a merged layer is never merged again
     * @param granularity {@code --granularity}: g, into how many parts the ratio is divided
     * @param mergeNorms {@code --merge-norms}: what becomes of the norms before attention and feed-forward
     * @param channelScore {@code --channel-score}: what heads and channels are chosen by
     * @param compensate {@code --compensate}: whether what is left out is folded into what is kept, and what the layer shall give
     * @param compat {@code --compat}; the reference tiles query heads
     */
    public record Options(SkipMethod skipMethod, int mergeItem, boolean woRepeat, int granularity,
            @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = AsInThePaper.class) MergeNorms mergeNorms,
            @JsonInclude(value = JsonInclude.Include.CUSTOM,
                    valueFilter = AsInThePaper.class) ChannelScore channelScore,
            @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = AsInThePaper.class) Compensate compensate,
            Compat compat) {
        /** The authors' defaults. */
        public static final Options DEFAULTS = new Options(SkipMethod.BI, PAIR, false, 20, Compat.NONE);

        /** The authors' options; the others are as in the paper. */
        public Options(SkipMethod skipMethod, int mergeItem, boolean woRepeat, int granularity, Compat compat) {
            this(skipMethod, mergeItem, woRepeat, granularity, MergeNorms.MEAN, ChannelScore.L1, Compensate.NONE,
                    compat);
        }

        public Options {
            SensitiveParts.requireDefinition(channelScore, compensate, compat);
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
    public Reading reading() {
        return options.compat.reading();
    }

    @Override
    public Needs needs() {
        return options.compensate == Compensate.NONE ? Needs.TOKENS : Needs.FITS;
    }

    @Override
    public int sideBySide() {
        return options.channelScore == ChannelScore.LEVERAGE ? PAIR : 1;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        ConcatMerge.requireEnough(layers, targetLayers, options.woRepeat, PAIR, layers - targetLayers);
        return SensitiveParts.cost(Cost.ofSearches(layers, targetLayers,
                left -> options.granularity + 1 + (options.skipMethod == SkipMethod.SLEB ? left : 0)),
                options.channelScore, options.compensate, PAIR);
    }
}
