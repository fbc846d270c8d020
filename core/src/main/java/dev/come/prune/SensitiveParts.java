package dev.come.prune;

import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Sensitivity;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * CoMe's concatenation: each layer of a window gives its most sensitive heads and channels. Their number is the layer's
 * share of them.
 */
final class SensitiveParts {
    private final List<LayerNode> sources;
    private final List<Sensitivity> sensitivities;
    private final QueryHeads queryHeads;
    private final MergeNorms mergeNorms;

    /** Of a window of layers, whose query heads are tiled as the authors' code does it or grouped as they belong together. */
    static SensitiveParts of(LayerStack stack, int position, int width, MergeNorms mergeNorms, Compat compat,
            Calibration calibration) {
        return new SensitiveParts(stack, position, width, compat.isReference() ? QueryHeads.TILED : QueryHeads.GROUPED,
                mergeNorms, calibration);
    }

    private SensitiveParts(LayerStack stack, int position, int width, QueryHeads queryHeads, MergeNorms mergeNorms,
            Calibration calibration) {
        this.sources = stack.window(position, width);
        this.sensitivities = IntStream.range(position, position + width)
                .mapToObj(source -> calibration.sensitivity(stack, source)).toList();
        this.queryHeads = queryHeads;
        this.mergeNorms = mergeNorms;
    }

    /**
     * The recipe of the merged layer.
     *
     * @param tolerance of the counts, as {@link MergeRatio#distribute} has it
     */
    LayerNode concatenated(List<Double> ratio, double tolerance) {
        Sensitivity first = sensitivities.getFirst();
        List<Integer> heads = MergeRatio.distribute(first.keyValueHeads().size(), ratio, tolerance);
        List<Integer> channels = MergeRatio.distribute(first.channels().size(), ratio, tolerance);
        List<Share> shares = new ArrayList<>();
        for (int i = 0; i < ratio.size(); i++) {
            shares.add(new Share(sources.get(i), ratio.get(i),
                    highest(sensitivities.get(i).keyValueHeads(), heads.get(i)),
                    highest(sensitivities.get(i).channels(), channels.get(i))));
        }
        return new Concatenated(shares, queryHeads, mergeNorms);
    }

    /** The indices of the highest scores in their original order; the higher index on ties. */
    static List<Integer> highest(List<Double> scores, int count) {
        return IntStream.range(0, scores.size()).boxed()
                .sorted(Comparator.<Integer, Double>comparing(scores::get).reversed()
                        .thenComparing(Comparator.reverseOrder()))
                .limit(count).sorted().toList();
    }
}
