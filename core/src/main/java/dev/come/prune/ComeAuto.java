package dev.come.prune;

import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.calibration.Calibration.Tokens;
import dev.come.prune.PruningStep.Action;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Loss-guided edits, a method of this project and of no paper: each step either removes a layer, as {@link Sleb}, or
 * concatenates a pair, as {@link ConcatMerge} and {@link ConcatMergeP}, whichever leaves the least loss.
 *
 * <p>The ratios of a pair are those of CoMe-P, i/g : 1 - i/g for i = 0 to g, and the one that the block influence gives. A
 * layer whose share is too small for a whole key-value head gives channels alone, so the heads of the merged layer are then
 * those of one layer, unmixed.
 *
 * <p>Not every layer and pair is worth a loss: of the layers only those with the least block influence are tried, of the
 * pairs those across which the states of all tokens turn the least, so many of each as {@code --shortlist} says. CoMe-P's
 * pair is always among them, so with the same granularity the first step never leaves a greater loss than CoMe-P; without a
 * shortlist, and with the same barriers, nor than SLEB.
 *
 * <p>No weights are fitted here, so the scores and the losses may come from the same tokens. Text on which the outcome is
 * compared with others should be another, since losses chose it.
 */
public record ComeAuto(Options options) implements PruningMethod {
    private static final int PAIR = 2;
    private static final double NO_RATIO = Double.POSITIVE_INFINITY;

    /**
     * What the user asks for.
     *
     * @param firstBarrier so many layers at the beginning are never removed ({@code --barriers}); they may be merged
     * @param lastBarrier so many at the end
     * @param granularity {@code --granularity}: g, into how many parts the ratio is divided
     * @param shortlist {@code --shortlist}: how many layers, and how many pairs, are tried at each step; 0 for all of them
     */
    public record Options(int firstBarrier, int lastBarrier, int granularity, int shortlist) {
        /** The defaults: what is tried at a step is about what two or three steps of CoMe-P try. */
        public static final Options DEFAULTS = new Options(1, 1, 4, 8);

        public Options {
            Sleb.requireBarriers(firstBarrier, lastBarrier);
            ConcatMergeP.requireGranularity(granularity);
            if (shortlist < 0) {
                throw new UsageException(
                        "--shortlist is " + shortlist + ", but must be at least 1, or 0 to try every layer and pair");
            }
        }
    }

    @Override
    public String name() {
        return "come_auto";
    }

    @Override
    public SequencedMap<String, Object> record() {
        SequencedMap<String, Object> record = new LinkedHashMap<>();
        record.put("barriers", List.of(options.firstBarrier, options.lastBarrier));
        record.put("granularity", options.granularity);
        record.put("shortlist", options.shortlist);
        return record;
    }

    @Override
    public Needs needs() {
        return Needs.TOKENS;
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        double runs = layers;
        double losses = 0;
        for (int left = layers; left > targetLayers; left--) {
            int removals = tried(Math.max(0, left - options.firstBarrier - options.lastBarrier));
            int candidates = removals + tried(left - 1) * (options.granularity + 2);
            runs += left / 2.0 + candidates * left / 2.0;
            losses += candidates;
        }
        return new Cost(layers - targetLayers, runs, losses);
    }

    private int tried(int allowed) {
        return options.shortlist == 0 ? allowed : Math.min(allowed, options.shortlist);
    }

    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        List<Double> influence = calibration.blockInfluence(stack);
        List<Double> distances = calibration.angularDistance(stack, PAIR, Tokens.ALL);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("block_influence", influence);
        scores.put("angular_distance", distances);

        List<PruningStep> candidates = new ArrayList<>();
        for (int position : shortlist(influence, options.firstBarrier, stack.size() - options.lastBarrier)) {
            candidates.add(PruningStep.remove(stack, position, 1, scores));
        }
        for (int position : shortlist(distances, 0, distances.size())) {
            SensitiveParts parts = new SensitiveParts(stack, position, PAIR, QueryHeads.GROUPED, calibration);
            for (List<Double> ratio : ratios(influence.subList(position, position + PAIR))) {
                candidates.add(PruningStep.merge(stack, position, PAIR, parts.concatenated(ratio), ratio, scores));
            }
        }

        SearchedLosses searched = calibration.searchLosses(candidates.stream().map(PruningStep::stack).toList());
        scores.put("candidate_position", candidates.stream().map(candidate -> (double) candidate.position()).toList());
        scores.put("candidate_layers", candidates.stream().map(candidate -> (double) candidate.count()).toList());
        scores.put("candidate_ratio", candidates.stream().map(ComeAuto::shareOfTheFirst).toList());
        scores.put("candidate_loss", searched.losses());
        scores.put("candidate_loss_at_least", searched.lowerBounds());
        return List.of(candidates.get(Removals.least(searched.losses())));
    }

    /** Of the positions from one to another those that are worth a try, by ascending position. */
    private List<Integer> shortlist(List<Double> scores, int from, int to) {
        List<Integer> allowed = Removals.ascending(scores).stream()
                .filter(position -> position >= from && position < to).toList();
        return allowed.subList(0, tried(allowed.size())).stream().sorted().toList();
    }

    /** The ratios that a pair is merged with, by ascending share of the first layer. */
    private List<List<Double>> ratios(List<Double> influence) {
        DoubleStream shares = IntStream.rangeClosed(0, options.granularity)
                .mapToDouble(i -> (double) i / options.granularity);
        if (influence.get(0) + influence.get(1) > 0) { // otherwise it says nothing about the shares
            shares = DoubleStream.concat(shares, DoubleStream.of(MergeRatio.of(influence, 1, 0).getFirst()));
        }
        return shares.sorted().distinct().mapToObj(share -> List.of(share, 1 - share)).toList();
    }

    private static double shareOfTheFirst(PruningStep candidate) {
        return candidate.action() == Action.MERGE ? candidate.ratio().getFirst() : NO_RATIO;
    }
}
