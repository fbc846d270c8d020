package dev.come.heal;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Ridge regression by normal equations and elimination; the penalty is a part of the mean square of a channel, and a constant has
 * none. */
final class PlainRegression {
    private final double[][] inputs;
    private final double[][] products;
    private final boolean bias;

    PlainRegression(List<Row> rows, boolean bias) {
        this.bias = bias;
        int channels = rows.getFirst().x().length;
        inputs = new double[channels][channels];
        products = new double[channels][rows.getFirst().missing().length];
        for (Row row : rows) {
            for (int i = 0; i < channels; i++) {
                for (int j = 0; j < channels; j++) {
                    inputs[i][j] += row.x()[i] * row.x()[j];
                }
                for (int j = 0; j < row.missing().length; j++) {
                    products[i][j] += row.x()[i] * row.missing()[j];
                }
            }
        }
    }

    /** The change of the projection, by channel and output. */
    double[][] change(double lambda) {
        int penalised = inputs.length - (bias ? 1 : 0);
        double unit = IntStream.range(0, penalised).mapToDouble(i -> inputs[i][i]).average().orElseThrow();
        double[][] left = Arrays.stream(inputs).map(double[]::clone).toArray(double[][]::new);
        double[][] right = Arrays.stream(products).map(double[]::clone).toArray(double[][]::new);
        for (int i = 0; i < penalised; i++) {
            left[i][i] += lambda * unit;
        }
        for (int pivot = 0; pivot < left.length; pivot++) {
            double factor = 1 / left[pivot][pivot];
            scale(left[pivot], factor);
            scale(right[pivot], factor);
            for (int row = 0; row < left.length; row++) {
                double times = left[row][pivot];
                if (row != pivot) {
                    subtract(left[row], left[pivot], times);
                    subtract(right[row], right[pivot], times);
                }
            }
        }
        return right;
    }

    private static void scale(double[] row, double factor) {
        Arrays.setAll(row, i -> row[i] * factor);
    }

    private static void subtract(double[] row, double[] other, double times) {
        Arrays.setAll(row, i -> row[i] - times * other[i]);
    }

    /** A token at a projection. */
    record Row(double[] x, double[] missing) {}

    /** The mean over rows of what a change leaves, squared. */
    static double error(List<Row> rows, double[][] change) {
        double sum = 0;
        for (Row row : rows) {
            for (int j = 0; j < row.missing().length; j++) {
                double left = row.missing()[j];
                for (int i = 0; i < row.x().length; i++) {
                    left -= row.x()[i] * change[i][j];
                }
                sum += left * left;
            }
        }
        return sum / rows.size();
    }
}
