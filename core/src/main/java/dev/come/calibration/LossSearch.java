package dev.come.calibration;

import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.run.TokenChunks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Finds the least of several losses without measuring all of them to the end. Losses are never negative, and may be known by
 * bounds that are cheaper than they are themselves. All stacks go through the first group of chunks; those that look best, as
 * many as are to be exact, then go through all others; of the rest each goes on for as long as what it has cost so far is
 * not more than the greatest of these whole losses; and only of what is left in the end are bounds made into losses.
 */
final class LossSearch {
    /** How many stacks are finished before it is asked again which are worth it; the same for any number of threads. */
    private static final int AT_ONCE = 4;
    /** Nats that a bound is lowered by, since it is rounded differently than the loss. */
    private static final double ROUNDING = 1e-3;

    private final double[][] losses;
    private final boolean[][] bounded;
    private final boolean[] counts;
    private final int exact;

    /** Measures some of the stacks on a group of chunks, and adds what it finds. */
    interface Measure {
        /** Adds losses, or bounds where that is cheaper. */
        void run(TokenChunks group, List<Integer> stacks);

        /** Adds the losses of stacks that have been run but have only bounds so far. */
        void finish(TokenChunks group, List<Integer> stacks);
    }

    /** @param exact how many of the least losses are wanted to the end */
    LossSearch(int stacks, TokenChunks chunks, int exact) {
        this.exact = exact;
        losses = new double[stacks][chunks.sequences()];
        for (double[] row : losses) {
            Arrays.fill(row, Double.NaN);
        }
        bounded = new boolean[stacks][chunks.sequences()];
        counts = new boolean[chunks.sequences()];
        chunks.chunks().forEach(
                chunk -> chunk.forEachSequence((sequence, _, length) -> counts[sequence] = length > 1));
    }

    /** Takes the losses of a stack on the sequences from one on; may be called from several threads. */
    void add(int stack, int first, double[] values) {
        System.arraycopy(values, 0, losses[stack], first, values.length);
        Arrays.fill(bounded[stack], first, first + values.length, false);
    }

    /** Takes what the losses of a stack are at least; may be called from several threads. */
    void addBounds(int stack, int first, double[] values) {
        for (int i = 0; i < values.length; i++) {
            losses[stack][first + i] = Math.max(0, values[i] - ROUNDING);
            bounded[stack][first + i] = true;
        }
    }

    SearchedLosses run(List<TokenChunks> groups, Measure measure) {
        List<Integer> all = IntStream.range(0, losses.length).boxed().toList();
        if (groups.isEmpty()) {
            return result(all);
        }
        measure.run(groups.getFirst(), all);
        List<TokenChunks> others = groups.subList(1, groups.size());
        List<Integer> best = all.stream().sorted(Comparator.comparingDouble(this::sum)).limit(exact).toList();
        others.forEach(group -> measure.run(group, best));
        groups.forEach(group -> finish(group, best, measure));
        for (TokenChunks group : others) {
            double limit = limit(all);
            List<Integer> open = all.stream().filter(stack -> !best.contains(stack) && sum(stack) <= limit).toList();
            if (open.isEmpty()) {
                break;
            }
            measure.run(group, open);
        }
        for (List<Integer> open = open(all); !open.isEmpty(); open = open(all)) {
            double limit = limit(all);
            List<Integer> next = open.subList(0, Math.min(AT_ONCE, open.size()));
            groups.forEach(
                    group -> finish(group, next.stream().filter(stack -> sum(stack) <= limit).toList(), measure));
        }
        return result(all);
    }

    private void finish(TokenChunks group, List<Integer> stacks, Measure measure) {
        List<Integer> open = stacks.stream()
                .filter(stack -> group.chunks().stream().anyMatch(chunk -> bounded[stack][chunk.first()])).toList();
        if (!open.isEmpty()) {
            measure.finish(group, open);
        }
    }

    /** What the greatest of the losses that are wanted is at most. */
    private double limit(List<Integer> all) {
        return all.stream().filter(this::isWhole).map(this::sum).sorted().skip(exact - 1L).findFirst()
                .orElse(Double.POSITIVE_INFINITY);
    }

    /** Those that may be among the wanted ones though only bounds of them are known, the likeliest first. */
    private List<Integer> open(List<Integer> all) {
        double limit = limit(all);
        return all.stream().filter(stack -> !isWhole(stack) && sum(stack) <= limit)
                .sorted(Comparator.comparingDouble(this::sum)).toList();
    }

    /** The sum of what is known, always in the same order. */
    private double sum(int stack) {
        double sum = 0;
        for (int sequence = 0; sequence < counts.length; sequence++) {
            if (counts[sequence] && !Double.isNaN(losses[stack][sequence])) {
                sum += losses[stack][sequence];
            }
        }
        return sum;
    }

    private boolean isWhole(int stack) {
        return IntStream.range(0, counts.length)
                .noneMatch(sequence -> Double.isNaN(losses[stack][sequence]) || bounded[stack][sequence]);
    }

    private SearchedLosses result(List<Integer> all) {
        long count = IntStream.range(0, counts.length).filter(sequence -> counts[sequence]).count();
        List<Double> whole = new ArrayList<>();
        List<Double> bounds = new ArrayList<>();
        for (int stack : all) {
            double mean = sum(stack) / count;
            whole.add(isWhole(stack) ? mean : Double.POSITIVE_INFINITY);
            bounds.add(mean);
        }
        return new SearchedLosses(whole, bounds);
    }
}
