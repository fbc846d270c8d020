package dev.come.prune;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Refit;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.calibration.Calibration.Tokens;
import dev.come.model.Part;
import dev.come.prune.PruningStep.Action;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import dev.come.text.HeldOut;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Loss-guided edits, a method of this project and of no paper. Each step either removes a layer, as {@link Sleb}, or
 * concatenates a pair, as {@link ConcatMerge} and {@link ConcatMergeP}, whichever leaves the least loss.
 *
 * <p>The ratios of a pair are those of CoMe-P, i/g : 1 - i/g for i = 0 to g, and the one that the block influence gives. A
 * layer whose share is too small for a whole key-value head gives channels alone, so the heads of the merged layer are then
 * those of one layer, unmixed. Norms are folded, so a pair of which one layer gives everything is that layer.
 *
 * <p>Not every layer and pair is worth a loss: of the layers only those with the least block influence are tried, of the
 * pairs those across which the states of all tokens turn the least, so many of each as {@code --shortlist} says. CoMe-P's
 * pair is always among them, so with the same granularity and norms the first step never leaves a greater loss than CoMe-P;
 * without a shortlist, and with the same barriers, nor than SLEB.
 *
 * <p>With {@code --refit} those candidates that leave the least loss are each followed by the refit of a layer in closed form,
 * the merged one or the one before the gap, and may then leave less. Losses are then measured on tokens that no fit has seen,
 * and a step never leaves more there than without. A refitted layer is one like others for the steps after it.
 *
 * <p>Without, no weights are fitted, so the scores and the losses may come from the same tokens. Text on which the outcome is
 * compared with others should in any case be another, since losses chose it.
 */
public record ComeAuto(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        List<Double> influence = calibration.blockInfluence(stack);
        List<Double> distances = calibration.angularDistance(stack, PAIR, Tokens.ALL);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("block_influence", influence);
        scores.put("angular_distance", distances);

        List<PruningStep> candidates = new ArrayList<>();
        LayerPattern pattern = calibration.pattern();
        int width = pattern.width(stack, targetLayers);
        for (int position : shortlist(sums(influence, width), pattern.removable(stack, width).stream()
                .filter(one -> one >= options.barriers.first()
                        && one + width <= stack.size() - options.barriers.last())
                .toList())) {
            candidates.add(PruningStep.remove(stack, position, width, scores));
        }
        for (int position : shortlist(distances, IntStream.range(0, distances.size())
                .filter(one -> pattern.allowsMerge(stack, one, PAIR)).boxed().toList())) {
            SensitiveParts parts = SensitiveParts.of(stack, position, PAIR, ChannelScore.L1, options.mergeNorms,
                    Compat.NONE, calibration);
            for (List<Double> ratio : ratios(influence.subList(position, position + PAIR))) {
                candidates.add(PruningStep.merge(stack, position, PAIR, parts.concatenated(ratio, MergeRatio.TOLERANT),
                        ratio, scores));
            }
        }

        if (candidates.isEmpty()) {
            throw new NothingToDoException(
                    "No layer of " + stack.tree() + " may go and no pair be merged, with --barriers "
                            + options.barriers + " and the layers that stay; ask for more layers");
        }
        SearchedLosses searched = calibration.searchLosses(candidates.stream().map(PruningStep::stack).toList(),
                Math.max(2, options.refit));
        scores.put("candidate_position", candidates.stream().map(candidate -> (double) candidate.position()).toList());
        scores.put("candidate_layers", candidates.stream().map(candidate -> (double) candidate.count()).toList());
        scores.put("candidate_ratio", candidates.stream().map(ComeAuto::shareOfTheFirst).toList());
        scores.put("candidate_loss", searched.losses());
        scores.put("candidate_loss_at_least", searched.lowerBounds());
        PruningStep best = candidates.get(Removals.least(searched.losses()));
        return List.of(options.refit > 0 ? refitted(candidates, searched.losses(), best, calibration) : best);
    }

    /** The best of those with the least loss and of the same after a refit; without one on ties. */
    private PruningStep refitted(List<PruningStep> candidates, List<Double> losses, PruningStep best,
            Calibration calibration) {
        SequencedMap<Integer, Refit> refits = new LinkedHashMap<>();
        for (int candidate : Removals.ascending(losses).stream().limit(options.refit).toList()) {
            PruningStep step = candidates.get(candidate);
            calibration.refitted(step.stack(), step.positionToRefit())
                    .ifPresent(refit -> refits.put(candidate, refit));
        }
        List<Double> refitLosses = refits.isEmpty()
                ? List.of()
                : calibration
                        .searchLosses(refits.values().stream().map(Refit::stack).toList(), refits.size()).losses();

        List<Integer> refitted = List.copyOf(refits.keySet());
        List<Double> after = new ArrayList<>(Collections.nCopies(candidates.size(), NONE));
        for (int i = 0; i < refitted.size(); i++) {
            after.set(refitted.get(i), refitLosses.get(i));
        }
        best.scores().put("candidate_refit_loss", after);
        best.scores().put("candidate_refit_error_before", byCandidate(candidates, refits, Refit::errorBefore));
        best.scores().put("candidate_refit_error_after", byCandidate(candidates, refits, Refit::errorAfter));
        best.scores().put("candidate_refit_lambda_o",
                byCandidate(candidates, refits, refit -> refit.lambdas().getOrDefault(Part.OUTPUT, NONE)));
        best.scores().put("candidate_refit_lambda_down",
                byCandidate(candidates, refits, refit -> refit.lambdas().getOrDefault(Part.DOWN, NONE)));

        int bestAfter = Removals.least(after);
        PruningStep taken = after.get(bestAfter) < Collections.min(losses)
                ? candidates.get(bestAfter).with(Objects.requireNonNull(refits.get(bestAfter)).stack())
                : best;
        return taken.with(calibration.settled(taken.stack()));
    }

    private static List<Double> byCandidate(List<PruningStep> candidates, Map<Integer, Refit> refits,
            ToDoubleFunction<Refit> score) {
        List<Double> values = new ArrayList<>(Collections.nCopies(candidates.size(), NONE));
        refits.forEach((candidate, refit) -> values.set(candidate, score.applyAsDouble(refit)));
        return values;
    }

    /** Those of some ascending positions that are worth a try, by ascending position. */
    private List<Integer> shortlist(List<Double> scores, List<Integer> allowed) {
        return allowed.stream().sorted(Comparator.comparing(scores::get)).limit(tried(allowed.size())).sorted()
                .toList();
    }

    /** The sum of each window. */
    private static List<Double> sums(List<Double> values, int width) {
        return IntStream.rangeClosed(0, values.size() - width).mapToObj(
                position -> values.subList(position, position + width).stream().mapToDouble(Double::doubleValue).sum())
                .toList();
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
        return candidate.action() == Action.MERGE ? candidate.ratio().getFirst() : NONE;
    }

    private int tried(int allowed) {
        return options.shortlist == 0 ? allowed : Math.min(allowed, options.shortlist);
    }

    private static final int PAIR = 2;
    private static final double NONE = Double.POSITIVE_INFINITY;

    /**
     * The options.
     *
     * @param barriers {@code --barriers}: layers that are never removed; they may be merged
     * @param granularity {@code --granularity}: g, into how many parts the ratio is divided
     * @param shortlist {@code --shortlist}: how many layers, and how many pairs, are tried at each step; 0 for all of them
     * @param mergeNorms {@code --merge-norms}: what becomes of the norms of a pair
     * @param refit {@code --refit}: after how many of the candidates a layer is refitted; 0 for none, and not recorded
     */
    public record Options(Barriers barriers, int granularity, int shortlist,
            @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = AsInThePaper.class) MergeNorms mergeNorms,
            @JsonInclude(JsonInclude.Include.NON_DEFAULT) int refit) {
        /** The defaults: what is tried at a step is about what two or three steps of CoMe-P try. */
        public static final Options DEFAULTS = new Options(Barriers.ONE_EACH, 4, 8, MergeNorms.FOLD, 0);

        /** With norms as usual. */
        public Options(Barriers barriers, int granularity, int shortlist, int refit) {
            this(barriers, granularity, shortlist, MergeNorms.FOLD, refit);
        }

        public Options {
            ConcatMergeP.requireGranularity(granularity);
            if (shortlist < 0) {
                throw new UsageException(
                        "--shortlist is " + shortlist + ", but must be at least 1, or 0 to try every layer and pair");
            }
            if (refit < 0) {
                throw new UsageException("--refit is " + refit + ", but must be at least 1, or 0 to refit nothing");
            }
        }
    }

    @Override
    public String name() {
        return "come_auto";
    }

    @Override
    public Needs needs() {
        return options.refit > 0 ? Needs.FITS : Needs.TOKENS;
    }

    /** The work of a refit, in runs of a layer over all tokens: one run, what follows two fits, and their products. */
    static final double RUNS_OF_A_REFIT = 2.5;

    /** The share of the tokens that is held out for losses where layers are refitted. */
    static final double HELD_OUT = 1.0 / HeldOut.EVERY;

    @Override
    public Cost cost(int layers, int targetLayers) {
        Cost searches = Cost.ofSearches(layers, targetLayers, left -> options.refit > 0
                ? HELD_OUT * (candidates(left) + refits(left))
                : candidates(left));
        return searches.withMoreRuns(IntStream.rangeClosed(targetLayers + 1, layers)
                .mapToDouble(left -> refits(left) * (1 - HELD_OUT) * RUNS_OF_A_REFIT).sum());
    }

    private int candidates(int layers) {
        return tried(options.barriers.removable(layers)) + tried(layers - 1) * (options.granularity + 2);
    }

    private int refits(int layers) {
        return Math.min(options.refit, candidates(layers));
    }
}
