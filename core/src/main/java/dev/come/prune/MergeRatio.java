package dev.come.prune;

import dev.come.NothingToDoException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** How much each of several merged layers keeps (paper, merge ratio). */
final class MergeRatio {
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
            double others = shares.stream().mapToDouble(Double::doubleValue).sum() - shares.get(top);
            int count = shares.size() - 1;
            shares.replaceAll(share -> others > 0 ? share * (1 - floor) / others : (1 - floor) / count);
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

    /** Whole numbers in proportion: {@code floor(total * share)} each, and the first of the largest takes what is left. */
    static List<Integer> distribute(int total, List<Double> ratio) {
        int top = ratio.indexOf(Collections.max(ratio));
        List<Integer> counts = new ArrayList<>(ratio.stream().map(share -> (int) Math.floor(total * share)).toList());
        counts.set(top, 0);
        counts.set(top, total - counts.stream().mapToInt(Integer::intValue).sum());
        return counts;
    }
}
