package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Golden.Values;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Golden: mka.safetensors, three synthetic layers. */
class DiffusionMapTests {
    private static final int NEIGHBOURS = 5;
    private static final int ENTROPY_NEIGHBOURS = 20;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void everyStageEqualsGolden(int layer) {
        double[][] points = matrix("x" + layer);
        double[][] distances = DiffusionMap.distances(points);
        assertClose(distances, matrix("distance" + layer), 1e-6); // golden takes it from squares, which cancel
        double[][] kernel = DiffusionMap.kernel(distances, 8);
        assertClose(kernel, matrix("kernel" + layer), 1e-9);
        assertClose(DiffusionMap.affinities(kernel), matrix("a" + layer), 1e-9);
        double[][] embedding = DiffusionMap.of(points, 8);
        double[][] expected = matrix("embedding" + layer);
        for (int column = 0; column < 2; column++) {
            double sign = Math.signum(embedding[0][column] * expected[0][column]);
            for (int i = 0; i < points.length; i++) {
                assertThat(sign * embedding[i][column]).isCloseTo(expected[i][column], within(1e-6));
            }
        }
        int[][] ranks = DiffusionMap.ranks(embedding);
        int[][] expectedRanks = ranks("rank" + layer);
        for (int column = 0; column < 2; column++) {
            int[] reversed = Arrays.stream(expectedRanks[column]).map(rank -> points.length - 1 - rank).toArray();
            assertThat(ranks[column]).isIn(expectedRanks[column], reversed);
        }
    }

    @Test
    void informationEqualsGolden() {
        double[][] similarity = matrix("similarity");
        double[][] mutual = matrix("mutual_information");
        double[] entropy = Golden.tensor("mka.safetensors", "entropy").values();
        List<int[][]> ranks = IntStream.range(0, 3).mapToObj(layer -> ranks("rank" + layer)).toList();
        for (int i = 0; i < 3; i++) {
            double own = RankInformation.entropy(ranks.get(i), ENTROPY_NEIGHBOURS);
            assertThat(own).isCloseTo(entropy[i], within(1e-9));
            for (int j = 0; j < 3; j++) {
                double information = RankInformation.mutual(ranks.get(i), ranks.get(j), NEIGHBOURS);
                assertThat(information).isCloseTo(mutual[i][j], within(1e-9));
                double other = RankInformation.entropy(ranks.get(j), ENTROPY_NEIGHBOURS);
                assertThat(information / Math.sqrt(own * other)).isCloseTo(similarity[i][j], within(1e-9));
            }
        }
    }

    @Test
    void distancesAreZeroOnTheDiagonalOnly() {
        double[][] distances = DiffusionMap.distances(matrix("x0"));
        for (int i = 0; i < distances.length; i++) {
            for (int j = 0; j < distances.length; j++) {
                assertThat(distances[i][j] == 0).isEqualTo(i == j);
            }
        }
    }

    private static void assertClose(double[][] actual, double[][] expected, double tolerance) {
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).containsExactly(expected[i], within(tolerance));
        }
    }

    private static double[][] matrix(String name) {
        Values values = Golden.tensor("mka.safetensors", name);
        int columns = values.shape().getLast();
        return IntStream.range(0, values.values().length / columns)
                .mapToObj(row -> Arrays.copyOfRange(values.values(), row * columns, (row + 1) * columns))
                .toArray(double[][]::new);
    }

    /** By column. */
    private static int[][] ranks(String name) {
        double[][] rows = matrix(name);
        return IntStream.range(0, rows[0].length)
                .mapToObj(column -> Arrays.stream(rows).mapToInt(row -> (int) row[column]).toArray())
                .toArray(int[][]::new);
    }
}
