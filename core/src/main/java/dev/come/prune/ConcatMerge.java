package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Sensitivity;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;

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
     * @param mergeItem {@code --merge-item}: how many layers one step makes into one
     * @param withoutRepeat {@code --wo-repeat}: a merged layer is never merged again
     * @param psu {@code --psu}: the power of the block influence in the merge ratio
     * @param minMax {@code --min-max}: the floor of the largest share
     * @param reference {@code --compat reference}: as the authors' code does it, windows two layers wide whatever the merge and
     *        query heads tiled
     */
    public record Options(int mergeItem, boolean withoutRepeat, double psu, double minMax, boolean reference) {
        /** The authors' defaults. */
        public static final Options DEFAULTS = new Options(2, false, 1, 0, false);

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
        record.put("skip_method", "bi");
        record.put("merge_item", options.mergeItem);
        record.put("wo_repeat", options.withoutRepeat);
        record.put("psu", options.psu);
        record.put("min_max", options.minMax);
        record.put("compat", options.reference ? "reference" : "none");
        return record;
    }

    @Override
    public int steps(int layers, int targetLayers) {
        int steps = Math.ceilDiv(layers - targetLayers, options.mergeItem - 1);
        if (options.withoutRepeat && layers - targetLayers + steps > layers) {
            throw new NothingToDoException("--wo-repeat: merging each of " + layers + " layers at most once leaves "
                    + Math.ceilDiv(layers, options.mergeItem) + " or more, and not --target-layers " + targetLayers
                    + "; ask for more layers, or leave out --wo-repeat");
        }
        return steps;
    }

    @Override
    public PruningStep step(LayerStack stack, int targetLayers, Calibration calibration) {
        int width = Math.min(options.mergeItem, stack.size() - targetLayers + 1);
        List<Double> distances = distances(stack, width, calibration);
        int position = least(distances, stack, targetLayers);

        List<Double> influence = calibration.blockInfluence(stack);
        List<LayerNode> sources = stack.window(position, width);
        int originals = (int) sources.stream().flatMapToInt(LayerNode::originals).count();
        List<Double> ratio = MergeRatio.of(influence.subList(position, position + width), options.psu,
                MergeRatio.floor(options.minMax, originals));

        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("angular_distance", distances);
        scores.put("block_influence", influence);
        LayerNode merged = concatenate(stack, position, ratio, calibration);
        return new PruningStep(stack.replace(position, width, merged), position, width, ratio, scores);
    }

    /** The angular distance across each window that may be merged; infinite where it may not. */
    private List<Double> distances(LayerStack stack, int width, Calibration calibration) {
        List<Double> measured = calibration.angularDistance(stack, options.reference ? 2 : width,
                Calibration.Tokens.LAST);
        List<Double> distances = new ArrayList<>();
        for (int position = 0; position + width <= stack.size(); position++) {
            boolean repeats = stack.window(position, width).stream().anyMatch(node -> !(node instanceof Original));
            distances.add(options.withoutRepeat && repeats ? Double.POSITIVE_INFINITY : measured.get(position));
        }
        return distances;
    }

    /** The position of the least distance; the lower one on ties. */
    private static int least(List<Double> distances, LayerStack stack, int targetLayers) {
        int least = IntStream.range(0, distances.size()).boxed().min(Comparator.comparing(distances::get))
                .orElseThrow();
        if (Double.isInfinite(distances.get(least))) {
            throw new NothingToDoException("--wo-repeat: every window of adjacent layers in " + stack.tree()
                    + " holds a merged layer, so " + stack.size() + " layers are reached and not --target-layers "
                    + targetLayers + "; ask for " + stack.size() + " or more, or leave out --wo-repeat");
        }
        return least;
    }

    /** Of each source its most sensitive heads and channels, as many as its share of them. */
    private LayerNode concatenate(LayerStack stack, int position, List<Double> ratio, Calibration calibration) {
        List<Sensitivity> sensitivities = IntStream.range(position, position + ratio.size())
                .mapToObj(source -> calibration.sensitivity(stack, source)).toList();
        List<Integer> heads = MergeRatio.distribute(sensitivities.getFirst().keyValueHeads().size(), ratio);
        List<Integer> channels = MergeRatio.distribute(sensitivities.getFirst().channels().size(), ratio);
        List<Share> shares = new ArrayList<>();
        for (int i = 0; i < ratio.size(); i++) {
            shares.add(new Share(stack.get(position + i), ratio.get(i),
                    highest(sensitivities.get(i).keyValueHeads(), heads.get(i)),
                    highest(sensitivities.get(i).channels(), channels.get(i))));
        }
        return new Concatenated(shares, options.reference ? QueryHeads.TILED : QueryHeads.GROUPED);
    }

    /** The indices of the highest scores in their original order; the higher index on ties. */
    static List<Integer> highest(List<Double> scores, int count) {
        return IntStream.range(0, scores.size()).boxed()
                .sorted(Comparator.<Integer, Double>comparing(scores::get).reversed()
                        .thenComparing(Comparator.reverseOrder()))
                .limit(count).sorted().toList();
    }
}
