package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Tokens;
import dev.come.prune.WindowChoice.Chosen;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/**
 * CoMe: progressive, concatenation-based layer merging (Wang et al., NeurIPS 2025, algorithm 1).
 *
 * <p>Each step measures the stack as it is now, takes the window of adjacent layers across which the states turn the least,
 * and makes one layer of it: each source keeps its most sensitive heads and channels, as many as its share of the block
 * influence says.
 */
public record ConcatMerge(Options options) implements PruningMethod {

    /**
     * The options under the authors' names.
     *
     * @param skip {@code --skip-method}: how the window is chosen
     * @param mergeItem {@code --merge-item}: how many layers one step makes into one
     * @param withoutRepeat {@code --wo-repeat}: a merged layer is never merged again
     * @param psu {@code --psu}: the power of the block influence in the merge ratio
     * @param minMax {@code --min-max}: the floor of the largest share
     * @param reference {@code --compat reference}: as the authors' code does it, windows two layers wide whatever the merge and
     *        query heads tiled
     */
    public record Options(SkipMethod skip, int mergeItem, boolean withoutRepeat, double psu, double minMax,
            boolean reference) {
        /** The authors' defaults. */
        public static final Options DEFAULTS = new Options(SkipMethod.BI, 2, false, 1, 0, false);

        public Options {
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
    public SequencedMap<String, Object> record() {
        SequencedMap<String, Object> record = new LinkedHashMap<>();
        record.put("skip_method", options.skip.name().toLowerCase(Locale.ROOT));
        record.put("merge_item", options.mergeItem);
        record.put("wo_repeat", options.withoutRepeat);
        record.put("psu", options.psu);
        record.put("min_max", options.minMax);
        record.put("compat", options.reference ? "reference" : "none");
        return record;
    }

    @Override
    public Needs needs() {
        return Needs.TOKENS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        int steps = Math.ceilDiv(layers - targetLayers, options.mergeItem - 1);
        requireEnough(layers, targetLayers, options.withoutRepeat, options.mergeItem, steps);
        double runs = layers;
        double losses = 0;
        for (int step = 1; step < steps; step++) {
            int left = layers - step * (options.mergeItem - 1);
            runs += left / 2.0; // from the merge on
            if (options.skip == SkipMethod.SLEB) {
                runs += left * left / 2.0;
                losses += left;
            }
        }
        return new Cost(steps, runs, losses);
    }

    /** Fails if there are too few layers to merge each of them at most once. */
    static void requireEnough(int layers, int targetLayers, boolean withoutRepeat, int mergeItem, int steps) {
        if (withoutRepeat && layers - targetLayers + steps > layers) {
            throw new NothingToDoException("--wo-repeat: merging each of " + layers + " layers at most once leaves "
                    + Math.ceilDiv(layers, mergeItem) + " or more, and not --target-layers " + targetLayers
                    + "; ask for more layers, or leave out --wo-repeat");
        }
    }

    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        int width = Math.min(options.mergeItem, stack.size() - targetLayers + 1);
        Chosen window = new WindowChoice(options.skip, Tokens.LAST, options.withoutRepeat, options.reference)
                .choose(stack, width, targetLayers, calibration);
        int position = window.position();

        List<Double> influence = calibration.blockInfluence(stack);
        int originals = (int) stack.window(position, width).stream().flatMapToInt(LayerNode::originals).count();
        List<Double> ratio = MergeRatio.of(influence.subList(position, position + width), options.psu,
                MergeRatio.floor(options.minMax, originals));

        LayerNode merged = new SensitiveParts(stack, position, width,
                options.reference ? QueryHeads.TILED : QueryHeads.GROUPED, calibration).concatenated(ratio);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>(window.scores());
        scores.put("block_influence", influence);
        return List.of(PruningStep.merge(stack, position, width, merged, ratio, scores));
    }
}
