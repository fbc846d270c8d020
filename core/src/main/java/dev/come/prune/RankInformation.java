package dev.come.prune;

import java.util.Arrays;

/** What rankings of the same points tell, and tell about each other, from the distances to nearest neighbours. */
final class RankInformation {
    private static final double EULER = 0.5772156649015329;

    private RankInformation() {
    }

    /**
     * The mutual information of two embeddings in nats: the mean over all pairs of their dimensions.
     *
     * @param first by dimension the ranks of the points
     * @param second the same of another embedding of the same points
     */
    static double mutual(int[][] first, int[][] second, int neighbours) {
        double sum = 0;
        for (int[] x : first) {
            for (int[] y : second) {
                sum += mutual(x, y, neighbours);
            }
        }
        return sum / (first.length * second.length);
    }

    /**
     * The first estimator of Kraskov, Stögbauer and Grassberger 2004. Ranks lie on a grid, where distances tie: neighbours
     * within the distance to the k-th count only if they are strictly closer, and no noise is added. Never below 0.
     */
    private static double mutual(int[] x, int[] y, int neighbours) {
        int n = x.length;
        double[] digamma = digamma(n);
        double sum = 0;
        int[] distances = new int[n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                distances[j] = Math.max(Math.abs(x[i] - x[j]), Math.abs(y[i] - y[j]));
            }
            Arrays.sort(distances);
            int radius = distances[neighbours]; // the first is the point itself
            sum += digamma[1 + closer(x, i, radius)] + digamma[1 + closer(y, i, radius)];
        }
        return Math.max(0, digamma[n] + digamma[neighbours] - sum / n);
    }

    /** Of the whole numbers from 1 to n: the harmonic number below, less the Euler-Mascheroni constant. */
    private static double[] digamma(int n) {
        double[] digamma = new double[n + 1];
        digamma[0] = Double.NaN;
        digamma[1] = -EULER;
        for (int i = 2; i <= n; i++) {
            digamma[i] = digamma[i - 1] + 1.0 / (i - 1);
        }
        return digamma;
    }

    /** How many others are strictly closer. */
    private static int closer(int[] ranks, int point, int radius) {
        int count = 0;
        for (int rank : ranks) {
            if (Math.abs(rank - ranks[point]) < radius) {
                count++;
            }
        }
        return count - 1;
    }

    /**
     * MKA's entropy: the mean of -log(k / (n r^d)). Here r is the Euclidean distance from a point to its k-th
     * neighbour, in ranks divided by the number n of points, and d the number of dimensions.
     */
    static double entropy(int[][] ranks, int neighbours) {
        int n = ranks[0].length;
        double sum = 0;
        double[] distances = new double[n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double square = 0;
                for (int[] dimension : ranks) {
                    double difference = (double) (dimension[i] - dimension[j]) / n;
                    square += difference * difference;
                }
                distances[j] = Math.sqrt(square);
            }
            Arrays.sort(distances);
            sum += Math.log(neighbours / (n * Math.pow(distances[neighbours], ranks.length)));
        }
        return -sum / n;
    }
}
