package dev.come.calibration;

import dev.come.calibration.Calibration.SearchedLosses;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Finds the least of several losses without measuring all of them to the end. All stacks go through the first group of
 * chunks; those that look best, as many as are to be exact, then go through all others; and of the rest each goes on for as
 * long as what it has cost so far is not more than the greatest of these whole losses.
 */
final class LossSearch {
    private final double[][] losses;
    private final boolean[] counts;
    private final int exact;

    /** Measures some of the stacks on a group of chunks, and adds what it finds. */
    interface Measure {
        void run(TokenChunks group, List<Integer> stacks);
    }

    /** @param exact how many of the least losses are wanted to the end */
    LossSearch(int stacks, TokenChunks chunks, int exact) {
        this.exact = exact;
        losses = new double[stacks][chunks.sequences()];
        for (double[] row : losses) {
            Arrays.fill(row, Double.NaN);
        }
        counts = new boolean[chunks.sequences()];
        chunks.chunks().forEach(
                chunk -> chunk.forEachSequence((sequence, _, length) -> counts[sequence] = length > 1));
    }

    /** Takes the losses of a stack on the sequences from one on; may be called from several threads. */
    void add(int stack, int first, double[] values) {
        System.arraycopy(values, 0, losses[stack], first, values.length);
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
        double limit = best.stream().mapToDouble(this::sum).max().orElseThrow();
        for (TokenChunks group : others) {
            double bound = limit;
            List<Integer> open = all.stream().filter(stack -> !best.contains(stack) && sum(stack) <= bound).toList();
            if (open.isEmpty()) {
                break;
            }
            measure.run(group, open);
        }
        return result(all);
    }

    /** The sum of the losses that are known, always in the same order. */
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
        return Arrays.stream(losses[stack]).noneMatch(Double::isNaN);
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
