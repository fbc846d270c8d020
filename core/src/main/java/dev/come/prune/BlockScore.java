package dev.come.prune;

import dev.come.calibration.Calibration.Salience;
import dev.come.model.Part;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * How Shortened LLaMA (Kim et al. 2024) makes one score of a block from the scores of its weights. Each weight's rows
 * are reduced to a number, and these numbers to one. All of it in logarithms, so that products of thousands of numbers
 * are finite.
 *
 * @param weight {@code --weight-reduction}
 * @param block {@code --block-reduction}
 * @param heuristic {@code --heuristic}, the "+" of the method's name: the first four and the last two layers stay
 */
public record BlockScore(Reduction weight, Reduction block, boolean heuristic) {
    /** Makes one number of many that are not negative. */
    public enum Reduction {
        SUM {
            @Override
            double ofLogarithms(double[] logarithms) {
                double largest = MAX.ofLogarithms(logarithms);
                return Double.isInfinite(largest)
                        ? largest
                        : largest + Math.log(Arrays.stream(logarithms).map(x -> Math.exp(x - largest)).sum());
            }
        },
        MEAN {
            @Override
            double ofLogarithms(double[] logarithms) {
                return SUM.ofLogarithms(logarithms) - Math.log(logarithms.length);
            }
        },
        MAX {
            @Override
            double ofLogarithms(double[] logarithms) {
                return Arrays.stream(logarithms).max().orElseThrow();
            }
        },
        PROD {
            @Override
            double ofLogarithms(double[] logarithms) {
                return Arrays.stream(logarithms).sum();
            }
        };

        /** The logarithm of the reduction of numbers that are given as logarithms; that of zero is minus infinity. */
        abstract double ofLogarithms(double[] logarithms);
    }

    /** The natural logarithm of the score of each block. */
    List<Double> logarithms(Collection<Salience> blocks) {
        return blocks.stream().map(this::logarithm).toList();
    }

    private double logarithm(Salience salience) {
        Map<Part, double[]> weights = salience.weights();
        return block.ofLogarithms(weights.values().stream()
                .mapToDouble(rows -> weight.ofLogarithms(Arrays.stream(rows).map(Math::log).toArray())).toArray());
    }

    /**
     * The positions of the layers in the order in which they go.
     *
     * @param compat in the reference the layers of the "+" rule go last rather than never
     */
    List<Integer> order(List<Double> scores, Compat compat) {
        List<Integer> ascending = Removals.ascending(scores);
        if (!heuristic) {
            return ascending;
        }
        List<Integer> order = Removals.withoutTheFirstFourAndLastTwo(ascending, scores.size());
        if (!compat.isReference()) {
            return order;
        }
        List<Integer> all = new ArrayList<>(order);
        all.addAll(List.of(0, 1, 2, 3, scores.size() - 2, scores.size() - 1));
        return all;
    }

    /** Fails if the "+" rule does not let a method get there. */
    void requireReachable(int layers, int targetLayers, Compat compat) {
        if (heuristic && (!compat.isReference() || layers < 6)) {
            Removals.requireEnough(layers, targetLayers);
        }
    }
}
