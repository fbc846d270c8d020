package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Refit;
import dev.come.calibration.Calibration.Seam;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Chooses by what is left after a repair, a method of this project and of no paper. What looks best before healing is not best
 * after it, so each step is judged with its seam repaired.
 *
 * <ol>
 * <li>Candidates are every layer that may be removed but the first, and every pair of adjacent layers that may be concatenated, with folded norms
 * and the ratios i/g : 1 - i/g for i = 1 to g - 1. The first and the last ratio would be removals.
 * <li>For each the error is predicted that a ridge repair would leave: how much of what both layers add to the residual stream is
 * not linear in what is left to write it, which is the layer before a gap, or what the merged layer keeps. Of a pair only the ratio
 * counts that leaves the least.
 * <li>The {@code --repair} candidates with the least predicted error are repaired for real: that layer is refitted to the dense
 * model.
 * <li>The one nearest to the dense model is taken, by KL divergence on tokens that no fit has seen.
 * </ol>
 *
 * <p>A repaired layer is one like others for the steps after it. It has weights of its own, which lie in the saved model.
 */
public record SeamAuto(Options options) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        List<Candidate> candidates = candidates(stack, targetLayers, calibration, scores);
        if (candidates.isEmpty()) {
            throw new NothingToDoException("No layer of " + stack.tree() + " may be removed, and no pair merged; give"
                    + " smaller --barriers, or ask for more layers");
        }
        List<Double> predicted = calibration.errorsAfterRepair(stack,
                candidates.stream().map(Candidate::seam).toList());
        scores.put("candidate_position", each(candidates, candidate -> candidate.step.position()));
        scores.put("candidate_layers", each(candidates, candidate -> candidate.step.count()));
        scores.put("candidate_ratio", each(candidates,
                candidate -> candidate.step.ratio().isEmpty() ? NONE : candidate.step.ratio().getFirst()));
        scores.put("candidate_predicted_error", predicted);

        List<Integer> shortlist = shortlist(candidates, predicted);
        List<LayerStack> repaired = new ArrayList<>();
        List<Double> before = none(candidates.size());
        List<Double> after = none(candidates.size());
        for (int candidate : shortlist) {
            PruningStep step = candidates.get(candidate).step;
            Optional<Refit> refit = calibration.refitted(step.stack(), step.positionToRefit());
            repaired.add(refit.map(Refit::stack).orElse(step.stack()));
            refit.ifPresent(one -> {
                before.set(candidate, one.errorBefore());
                after.set(candidate, one.errorAfter());
            });
        }
        List<Double> divergences = calibration.divergences(repaired);
        List<Double> measured = none(candidates.size());
        for (int i = 0; i < shortlist.size(); i++) {
            measured.set(shortlist.get(i), divergences.get(i));
        }
        scores.put("candidate_repair_error_before", before);
        scores.put("candidate_repair_error_after", after);
        scores.put("candidate_divergence", measured);

        int best = Removals.least(divergences);
        return List.of(candidates.get(shortlist.get(best)).step.with(calibration.settled(repaired.get(best))));
    }

    /** An edit, and what is asked about it. */
    private record Candidate(PruningStep step, Seam seam) {}

    private List<Candidate> candidates(LayerStack stack, int targetLayers, Calibration calibration,
            SequencedMap<String, List<Double>> scores) {
        LayerPattern pattern = calibration.pattern();
        List<Candidate> candidates = new ArrayList<>();
        int width = pattern.width(stack, targetLayers);
        for (int position : pattern.removable(stack, width)) {
            // The layer before is the one that is repaired.
            if (position >= Math.max(1, options.barriers.first())
                    && position + width <= stack.size() - options.barriers.last()) {
                candidates.add(new Candidate(PruningStep.remove(stack, position, width, scores),
                        new Seam(position - 1, width, Optional.empty())));
            }
        }
        for (int position = 0; position + PAIR <= stack.size(); position++) {
            if (options.granularity > 1 && pattern.allowsMerge(stack, position, PAIR)) {
                SensitiveParts parts = SensitiveParts.of(stack, position, PAIR, ChannelScore.L1, options.mergeNorms,
                        Compat.NONE, calibration);
                for (int i = 1; i < options.granularity; i++) {
                    double share = (double) i / options.granularity;
                    List<Double> ratio = List.of(share, 1 - share);
                    Concatenated merged = parts.concatenated(ratio, MergeRatio.TOLERANT);
                    candidates.add(new Candidate(PruningStep.merge(stack, position, PAIR, merged, ratio, scores),
                            new Seam(position, 1, Optional.of(merged))));
                }
            }
        }
        return candidates;
    }

    /** Those with the least predicted error, of each pair one; earlier ones on ties. */
    private List<Integer> shortlist(List<Candidate> candidates, List<Double> predicted) {
        List<Integer> shortlist = new ArrayList<>();
        List<Integer> pairs = new ArrayList<>();
        for (int candidate : Removals.ascending(predicted)) {
            PruningStep step = candidates.get(candidate).step;
            if (step.ratio().isEmpty() || !pairs.contains(step.position())) {
                shortlist.add(candidate);
                if (!step.ratio().isEmpty()) {
                    pairs.add(step.position());
                }
            }
        }
        return shortlist.stream().limit(options.repair).toList();
    }

    private static List<Double> each(List<Candidate> candidates, ToDoubleFunction<Candidate> value) {
        return candidates.stream().map(value::applyAsDouble).toList();
    }

    private static List<Double> none(int count) {
        return new ArrayList<>(IntStream.range(0, count).mapToObj(_ -> NONE).toList());
    }

    private static final int PAIR = 2;
    private static final double NONE = Double.POSITIVE_INFINITY;

    /**
     * The options.
     *
     * @param barriers {@code --barriers}: layers that are never removed; they may be merged
     * @param granularity {@code --granularity}: g, into how many parts the ratio of a pair is divided; 1: no pair is merged
     * @param mergeNorms {@code --merge-norms}: what becomes of the norms of a pair
     * @param repair {@code --repair}: how many candidates are repaired and judged at each step
     */
    public record Options(Barriers barriers, int granularity, MergeNorms mergeNorms, int repair) {
        /** The defaults. */
        public static final Options DEFAULTS = new Options(Barriers.ONE_EACH, 4, MergeNorms.FOLD, 4);

        public Options {
            ConcatMergeP.requireGranularity(granularity);
            if (repair < 1) {
                throw new UsageException("--repair is " + repair + ", but must be at least 1");
            }
        }
    }

    @Override
    public String name() {
        return "seam_auto";
    }

    @Override
    public Needs needs() {
        return Needs.FITS;
    }

    @Override
    public boolean needsOneMachine() {
        return true;
    }

    /**
     * At each step half of the stack is run again, and once more for predictions. Of the candidates that are repaired half of the
     * stack is run on the tokens that are held out, where KL has two output projections.
     */
    @Override
    public Cost cost(int layers, int targetLayers) {
        double runs = 2.0 * layers;
        double heads = 0;
        for (int left = layers; left > targetLayers; left--) {
            runs += left + options.repair * ((1 - ComeAuto.HELD_OUT) * ComeAuto.RUNS_OF_A_REFIT
                    + ComeAuto.HELD_OUT * left / 2);
            heads += 2 * ComeAuto.HELD_OUT * options.repair;
        }
        return new Cost(layers - targetLayers, runs, heads, 0);
    }
}
