package dev.come.prune;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;

/**
 * The diffusion map of MKA (Coifman and Lafon 2006, with the kernel of MKA's code). Points that many short steps
 * connect lie close together in two dimensions.
 */
final class DiffusionMap {
    private static final int DIMENSIONS = 2;
    /** The density normalisation: 1/2 lies between none and that of the Laplace-Beltrami operator. */
    private static final double ALPHA = 0.5;
    private static final double SMALLEST_AFFINITY = 1e-12;

    private DiffusionMap() {
    }

    /**
     * Embeds points.
     *
     * @param points (points, features)
     * @param sigma the scale of distances
     * @return (points, 2): the second and third singular vector, divided by the first; their signs mean nothing
     */
    static double[][] of(double[][] points, double sigma) {
        return embedding(affinities(kernel(distances(points), sigma)));
    }

    /** The Euclidean distance of each pair. */
    static double[][] distances(double[][] points) {
        int n = points.length;
        double[][] distances = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                double sum = 0;
                for (int k = 0; k < points[i].length; k++) {
                    double difference = points[i][k] - points[j][k];
                    sum += difference * difference;
                }
                distances[i][j] = Math.sqrt(sum);
                distances[j][i] = distances[i][j];
            }
        }
        return distances;
    }

    /** {@code exp(-sqrt(distance / sigma))}: not a Gaussian; this is what MKA's code takes. */
    static double[][] kernel(double[][] distances, double sigma) {
        int n = distances.length;
        double[][] kernel = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                kernel[i][j] = Math.exp(-Math.sqrt(distances[i][j] / sigma));
            }
        }
        return kernel;
    }

    /** The kernel with densities divided out, then made symmetric with the same eigenvalues as the random walk on it. */
    static double[][] affinities(double[][] kernel) {
        double[] density = columnSums(kernel);
        double[][] walk = scaled(kernel, density, ALPHA);
        double[][] affinities = scaled(walk, columnSums(walk), 0.5);
        for (double[] row : affinities) {
            for (int j = 0; j < row.length; j++) {
                row[j] = Math.abs(row[j]) < SMALLEST_AFFINITY ? SMALLEST_AFFINITY : row[j];
            }
        }
        return affinities;
    }

    private static double[][] scaled(double[][] matrix, double[] weights, double power) {
        int n = matrix.length;
        double[][] scaled = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                scaled[i][j] = matrix[i][j] / Math.pow(weights[i] * weights[j], power);
            }
        }
        return scaled;
    }

    private static double[] columnSums(double[][] matrix) {
        double[] sums = new double[matrix.length];
        for (double[] row : matrix) {
            for (int j = 0; j < row.length; j++) {
                sums[j] += row[j];
            }
        }
        return sums;
    }

    /** The matrix is symmetric, so its singular vectors are its eigenvectors by descending absolute eigenvalue. */
    private static double[][] embedding(double[][] affinities) {
        EigenDecompositionSymmetric eigen = new EigenDecompositionSymmetric(
                new Array2DRowRealMatrix(affinities, false));
        double[] values = eigen.getEigenvalues();
        int[] order = IntStream.range(0, values.length).boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -Math.abs(values[i]))).limit(DIMENSIONS + 1)
                .mapToInt(Integer::intValue).toArray();
        double[] first = eigen.getEigenvector(order[0]).toArray();
        double[][] embedding = new double[affinities.length][DIMENSIONS];
        for (int dimension = 0; dimension < DIMENSIONS; dimension++) {
            double[] vector = eigen.getEigenvector(order[dimension + 1]).toArray();
            for (int i = 0; i < vector.length; i++) {
                embedding[i][dimension] = vector[i] / first[i];
            }
        }
        return embedding;
    }

    /**
     * The rank of each point in each dimension.
     *
     * @param embedding (points, dimensions)
     * @return by dimension the ranks of the points, from 0; the lower index first on ties
     */
    static int[][] ranks(double[][] embedding) {
        int dimensions = embedding[0].length;
        int[][] ranks = new int[dimensions][embedding.length];
        for (int dimension = 0; dimension < dimensions; dimension++) {
            int column = dimension;
            int[] order = IntStream.range(0, embedding.length).boxed()
                    .sorted(Comparator.comparingDouble((Integer i) -> embedding[i][column])).mapToInt(Integer::intValue)
                    .toArray();
            for (int rank = 0; rank < order.length; rank++) {
                ranks[dimension][order[rank]] = rank;
            }
        }
        return ranks;
    }
}
