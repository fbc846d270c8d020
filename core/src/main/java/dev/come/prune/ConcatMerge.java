package dev.come.prune;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Tokens;
import dev.come.calibration.Reading;
import dev.come.prune.WindowChoice.Chosen;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * CoMe: progressive, concatenation-based layer merging (Wang et al., NeurIPS 2025, algorithm 1).
 *
 * <p>Each step measures the stack as it is now, takes the window of adjacent layers across which the states turn the least,
 * and makes one layer of it: each source keeps its most sensitive heads and channels, as many as its share of the block
 * influence says.
 */
public record ConcatMerge(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        calibration.pattern().requireWholeGroups(options.mergeItem);
        int width = Math.min(options.mergeItem, stack.size() - targetLayers + 1);
        Chosen window = new WindowChoice(options.skipMethod, Tokens.LAST, options.woRepeat, options.compat)
                .choose(stack, width, targetLayers, calibration);
        int position = window.position();

        List<Double> influence = calibration.blockInfluence(stack);
        int originals = (int) stack.window(position, width).stream().flatMapToInt(LayerNode::originals).count();
        List<Double> ratio = MergeRatio.of(influence.subList(position, position + width), options.psu,
                MergeRatio.floor(options.minMax, originals));

        LayerNode merged = SensitiveParts
                .of(stack, position, width, options.channelScore, options.mergeNorms, options.compat, calibration)
                .concatenated(ratio, MergeRatio.TOLERANT);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>(window.scores());
        scores.put("block_influence", influence);
        PruningStep step = PruningStep.merge(stack, position, width, merged, ratio, scores);
        return List.of(options.compensate.after(step, calibration));
    }

    /**
     * The options under the authors' names, and those of this project: mergeNorms, channelScore and compensate.
     *
     * @param skipMethod {@code --skip-method}: how the window is chosen
     * @param mergeItem {@code --merge-item}: how many layers one step makes into one
     * @param woRepeat {@code --wo-repeat}: a merged layer is never merged again
     * @param psu {@code --psu}: the power of the block influence in the merge ratio
     * @param minMax {@code --min-max}: the floor of the largest share
     * @param mergeNorms {@code --merge-norms}: what becomes of the norms before attention and feed-forward
     * @param channelScore {@code --channel-score}: what heads and channels are chosen by
     * @param compensate {@code --compensate}: whether what is left out is folded into what is kept, and what the layer shall give
     * @param compat {@code --compat}; the reference takes windows two layers wide whatever the merge, and tiles query heads
     */
    public record Options(SkipMethod skipMethod, int mergeItem, boolean woRepeat, double psu, double minMax,
            @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = AsInThePaper.class) MergeNorms mergeNorms,
            @JsonInclude(value = JsonInclude.Include.CUSTOM,
                    valueFilter = AsInThePaper.class) ChannelScore channelScore,
            @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = AsInThePaper.class) Compensate compensate,
            Compat compat) {
        /** The authors' defaults. */
        public static final Options DEFAULTS = new Options(SkipMethod.BI, 2, false, 1, 0, Compat.NONE);

        /** The authors' options; the others are as in the paper. */
        public Options(SkipMethod skipMethod, int mergeItem, boolean woRepeat, double psu, double minMax,
                Compat compat) {
            this(skipMethod, mergeItem, woRepeat, psu, minMax, MergeNorms.MEAN, ChannelScore.L1, Compensate.NONE,
                    compat);
        }

        public Options {
            SensitiveParts.requireDefinition(channelScore, compensate, compat);
            if (mergeItem < 2) {
                throw new UsageException("--merge-item is " + mergeItem + ", but a merge takes at least 2 layers");
            }
            if (!(psu >= 0) || Double.isInfinite(psu)) {
                throw new UsageException("--psu is " + psu + ", but must be a finite number of 0 or more");
            }
            if (!(minMax >= 0 && minMax <= 1)) {
                throw new UsageException("--min-max is " + minMax + ", but a share lies between 0 and 1");
            }
        }
    }

    @Override
    public String name() {
        return "concat_merge";
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
        return options.channelScore == ChannelScore.LEVERAGE ? options.mergeItem : 1;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        int steps = Math.ceilDiv(layers - targetLayers, options.mergeItem - 1);
        requireEnough(layers, targetLayers, options.woRepeat, options.mergeItem, steps);
        double runs = layers / 2.0;
        double losses = 0;
        double candidates = 0;
        for (int step = 0; step < steps; step++) {
            int left = layers - step * (options.mergeItem - 1);
            runs += left / 2.0; // from the last merge on
            if (options.skipMethod == SkipMethod.SLEB) {
                candidates += left * left / 2.0;
                losses += left;
            }
        }
        return SensitiveParts.cost(new Cost(steps, runs + candidates, losses, candidates), options.channelScore,
                options.compensate, options.mergeItem);
    }

    /** Fails if there are too few layers to merge each of them at most once. */
    static void requireEnough(int layers, int targetLayers, boolean withoutRepeat, int mergeItem, int steps) {
        if (withoutRepeat && layers - targetLayers + steps > layers) {
            throw new NothingToDoException("--wo-repeat: merging each of " + layers + " layers at most once leaves "
                    + Math.ceilDiv(layers, mergeItem) + " or more, and not --target-layers " + targetLayers
                    + "; ask for more layers, or leave out --wo-repeat");
        }
    }
}
