package dev.come.prune;

import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Sensitivity;
import dev.come.prune.PruningMethod.Cost;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * CoMe's concatenation: each layer of a window gives its most sensitive heads and channels. Their number is the layer's
 * share of them.
 */
final class SensitiveParts {
    private final List<LayerNode> sources;
    private final List<Sensitivity> scores;
    private final QueryHeads queryHeads;
    private final MergeNorms mergeNorms;

    /** Of a window of layers, whose query heads are tiled as the authors' code does it or grouped as they belong together. */
    static SensitiveParts of(LayerStack stack, int position, int width, ChannelScore score, MergeNorms mergeNorms,
            Compat compat, Calibration calibration) {
        SensitiveParts parts = new SensitiveParts(stack.window(position, width),
                IntStream.range(position, position + width).mapToObj(source -> calibration.sensitivity(stack, source))
                        .toList(),
                compat.isReference() ? QueryHeads.TILED : QueryHeads.GROUPED, mergeNorms);
        return switch (score) {
            case L1 -> parts;
            case LEVERAGE -> new SensitiveParts(parts.sources, calibration.leverage(stack, position, parts.concatenated(
                    Collections.nCopies(width, 1.0 / width), MergeRatio.TOLERANT)), parts.queryHeads, mergeNorms);
        };
    }

    private SensitiveParts(List<LayerNode> sources, List<Sensitivity> scores, QueryHeads queryHeads,
            MergeNorms mergeNorms) {
        this.sources = sources;
        this.scores = scores;
        this.queryHeads = queryHeads;
        this.mergeNorms = mergeNorms;
    }

    /** @throws UsageException if what the authors' code does is to be repeated together with what it does not do */
    static void requireDefinition(ChannelScore score, Compensate compensate, Compat compat) {
        if (compat.isReference() && (score != ChannelScore.L1 || compensate != Compensate.NONE)) {
            throw new UsageException("--compat reference repeats the authors' code, which has no "
                    + (score != ChannelScore.L1 ? "--channel-score leverage" : "--compensate")
                    + "; leave out one of the two");
        }
    }

    /**
     * The cost of merges with what the options add. All sources side by side cost as much as so many layers, and so do
     * products for their leverage; fits cost as in {@link ComeAuto}.
     */
    static Cost cost(Cost merges, ChannelScore score, Compensate compensate, int width) {
        double ofScores = score == ChannelScore.LEVERAGE ? 2.0 * width : 0;
        double ofFits = compensate == Compensate.NONE ? 0 : width + ComeAuto.RUNS_OF_A_REFIT;
        return merges.withMoreRuns(merges.rounds() * (ofScores + ofFits));
    }

    /**
     * The recipe of the merged layer.
     *
     * @param tolerance of the counts, as {@link MergeRatio#distribute} has it
     */
    Concatenated concatenated(List<Double> ratio, double tolerance) {
        Sensitivity first = scores.getFirst();
        List<Integer> heads = MergeRatio.distribute(first.keyValueHeads().size(), ratio, tolerance);
        List<Integer> channels = MergeRatio.distribute(first.channels().size(), ratio, tolerance);
        List<Share> shares = new ArrayList<>();
        for (int i = 0; i < ratio.size(); i++) {
            shares.add(new Share(sources.get(i), ratio.get(i), highest(scores.get(i).keyValueHeads(), heads.get(i)),
                    highest(scores.get(i).channels(), channels.get(i))));
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
