package dev.come.evaluate;

import java.util.List;
import java.util.OptionalDouble;

/** Means, errors and what else numbers of documents are summed up to. */
final class Scoring {
    private Scoring() {
    }

    /** Where the largest value is; the first of equal ones. */
    static int argMax(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }

    /** The arithmetic mean of at least one value. */
    static double mean(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).sum() / values.size();
    }

    /** The standard error of the mean, from the sample variance (n - 1); none of a single value. */
    static OptionalDouble standardError(List<Double> values) {
        if (values.size() < 2) {
            return OptionalDouble.empty();
        }
        double mean = mean(values);
        double squares = values.stream().mapToDouble(value -> (value - mean) * (value - mean)).sum();
        return OptionalDouble.of(Math.sqrt(squares / (values.size() - 1)) / Math.sqrt(values.size()));
    }

    /** The mean of groups by their sizes. */
    static double weightedMean(List<Double> means, List<Integer> sizes) {
        double sum = 0;
        long count = 0;
        for (int i = 0; i < means.size(); i++) {
            sum += means.get(i) * sizes.get(i);
            count += sizes.get(i);
        }
        return sum / count;
    }

    /** The standard error of a mean over groups, from theirs: the pooled sample variance. */
    static double pooledStandardError(List<Double> errors, List<Integer> sizes) {
        double squares = 0;
        long count = 0;
        for (int i = 0; i < errors.size(); i++) {
            squares += (sizes.get(i) - 1) * errors.get(i) * errors.get(i) * sizes.get(i);
            count += sizes.get(i);
        }
        return Math.sqrt(squares / (count - sizes.size()) / count);
    }
}
