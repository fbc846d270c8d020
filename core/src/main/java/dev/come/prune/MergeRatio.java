package dev.come.prune;

import dev.come.NothingToDoException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** How much each of several merged layers keeps (paper, merge ratio). */
final class MergeRatio {
    /** For shares that scores and a floor decide: far above the rounding of doubles, far below what a score decides. */
    static final double TOLERANT = 1e-9;

    /** For the shares of CoMe-P, a fixed list: the authors' counts, although {@code 50 * (1 - 0.9)} is below 5 in doubles. */
    static final double AS_DOUBLES = 0;

    private MergeRatio() {
    }

    /**
     * The share of each layer: its score to a power, as a part of the sum; the largest share is at least the floor.
     *
     * @param scores the block influence of each layer
     * @param power {@code --psu}
     * @param floor the least that the first of the largest shares may be; the others then share the rest as they would have
     */
    static List<Double> of(List<Double> scores, double power, double floor) {
        double total = scores.stream().mapToDouble(Double::doubleValue).sum();
        if (total == 0) {
            throw new NothingToDoException("The merge ratio is undefined, because the block influences " + scores
                    + " sum to zero; the layers change nothing on this calibration set, so remove them instead");
        }
        double highest = Collections.max(scores);
        // Against the highest, because a high power of a share of the sum can be too small for a double for all of them.
        List<Double> raised = scores.stream().map(score -> Math.pow(score / highest, power)).toList();
        double sum = raised.stream().mapToDouble(Double::doubleValue).sum();
        List<Double> shares = new ArrayList<>(raised.stream().map(value -> value / sum).toList());
        int top = shares.indexOf(Collections.max(shares));
        if (shares.get(top) < floor) {
            shares.set(top, 0.0);
            double others = shares.stream().mapToDouble(Double::doubleValue).sum();
            int count = shares.size() - 1;
            shares.replaceAll(share -> others > 0 ? share / others * (1 - floor) : (1 - floor) / count);
            shares.set(top, floor);
        }
        return shares;
    }

    /**
     * The floor after several merges: {@code minMax^(1 / (originals - 1))}, so that it loosens as a layer stands for more.
     *
     * @param minMax {@code --min-max}
     * @param originals original layers under the merge
     */
    static double floor(double minMax, int originals) {
        return Math.pow(minMax, 1.0 / (originals - 1));
    }

    /**
     * Whole numbers in proportion: {@code floor(total * share)} each, and the first of the largest takes what is left.
     *
     * @param tolerance what may be missing to the next whole number, and to the largest share, so that shares that divide
     * the total evenly do not lose one by the last bit of a double: {@link #TOLERANT} or {@link #AS_DOUBLES}
     */
    static List<Integer> distribute(int total, List<Double> ratio, double tolerance) {
        double largest = Collections.max(ratio);
        int top = IntStream.range(0, ratio.size()).filter(i -> ratio.get(i) >= largest - tolerance).findFirst()
                .orElseThrow();
        List<Integer> counts = new ArrayList<>(
                ratio.stream().map(share -> (int) Math.floor(total * share + tolerance)).toList());
        counts.set(top, 0);
        counts.set(top, total - counts.stream().mapToInt(Integer::intValue).sum());
        return counts;
    }
}
