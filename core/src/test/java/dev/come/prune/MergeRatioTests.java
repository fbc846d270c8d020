package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.NothingToDoException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Golden: tables.json, tolerance 1e-12, counts exact. */
class MergeRatioTests {
    private static final JsonNode TABLES = Golden.json("tables.json");

    private static void assertClose(List<Double> actual, JsonNode expected) {
        assertThat(actual.stream().mapToDouble(Double::doubleValue).toArray())
                .containsExactly(Golden.doubles(expected).stream().mapToDouble(Double::doubleValue).toArray(),
                        within(1e-12));
    }

    @Test
    void sharesEqualGolden() {
        for (JsonNode row : TABLES.get("block_ratio")) {
            List<Double> scores = Golden.doubles(row.get("scores"));
            double power = row.get("psu").asDouble();
            double floor = row.get("floor").asDouble();
            if (row.get("ratio").isString()) {
                assertThatThrownBy(() -> MergeRatio.of(scores, power, floor)).isInstanceOf(NothingToDoException.class)
                        .hasMessageContaining("sum to zero");
            } else {
                assertClose(MergeRatio.of(scores, power, floor), row.get("ratio"));
            }
        }
    }

    @Test
    void theFloorLoosensAsALayerStandsForMore() {
        for (JsonNode row : TABLES.get("effective_floor")) {
            assertThat(MergeRatio.floor(row.get("min_max").asDouble(), row.get("original_layers").asInt()))
                    .isCloseTo(row.get("floor").asDouble(), within(1e-12));
        }
        for (JsonNode row : TABLES.get("combined")) {
            double floor = MergeRatio.floor(row.get("min_max").asDouble(), row.get("original_layers").asInt());
            assertClose(MergeRatio.of(Golden.doubles(row.get("scores")), row.get("psu").asDouble(), floor),
                    row.get("ratio"));
        }
    }

    @Test
    void countsEqualGoldenAndAlwaysSumUp() {
        for (JsonNode row : TABLES.get("distribute")) {
            List<Integer> counts = Golden.integers(row.get("counts"));
            int total = row.get("n").asInt();
            List<Double> ratio = Golden.doubles(row.get("ratio"));
            assertThat(MergeRatio.distribute(total, ratio, MergeRatio.AS_DOUBLES)).isEqualTo(counts);
            assertThat(MergeRatio.distribute(total, ratio, MergeRatio.TOLERANT))
                    // The golden one is floor(100 * 0.29) in doubles, whose product is just below 29.
                    .isEqualTo(counts.equals(List.of(28, 72)) ? List.of(29, 71) : counts);
        }
        for (JsonNode row : TABLES.get("granularity")) {
            int g = row.get("g").asInt();
            for (int i = 0; i <= g; i++) {
                List<Double> ratio = List.of((double) i / g, 1 - (double) i / g);
                assertThat(MergeRatio.distribute(row.get("n").asInt(), ratio, MergeRatio.AS_DOUBLES))
                        .isEqualTo(Golden.integers(row.get("counts").get(i)));
            }
        }
    }

    @Test
    void theHighestAreKeptInTheirOrderAndTiesGoToTheHigherIndex() {
        for (JsonNode row : TABLES.get("select")) {
            assertThat(SensitiveParts.highest(Golden.doubles(row.get("scores")), row.get("count").asInt()))
                    .isEqualTo(Golden.integers(row.get("kept")));
        }
    }

    @Test
    void countsAreNeverNegativeAndAlwaysSumUpWhateverTheScores() {
        long seed = System.nanoTime();
        System.out.println("MergeRatioTests: scores drawn with seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 2000; i++) {
            double scale = Math.pow(10, -random.nextInt(300));
            List<Double> scores = random.doubles(2 + random.nextInt(4)).map(score -> score * scale).boxed().toList();
            double power = random.nextInt(3) == 0 ? Math.pow(10, random.nextInt(6)) : 3 * random.nextDouble();
            int total = 1 + random.nextInt(5000);
            List<Double> ratio = MergeRatio.of(scores, power, random.nextDouble());
            String drawn = scores + " to the power of " + power + ", seed " + seed;
            assertThat(ratio.stream().mapToDouble(Double::doubleValue).sum()).as(drawn).isCloseTo(1, within(1e-12));
            List<Integer> counts = MergeRatio.distribute(total, ratio, MergeRatio.TOLERANT);
            assertThat(counts).as(drawn).allMatch(count -> count >= 0);
            assertThat(counts.stream().mapToInt(Integer::intValue).sum()).as(drawn).isEqualTo(total);
        }
    }

    @Test
    void aFloorThatDividesEvenlyGivesTheSameCountsWhateverTheScores() {
        for (int i = 1; i < 200; i++) {
            // The floor decides the shares of two layers, so their scores must not.
            List<Double> scores = List.of(0.1 + i * 0.001, 0.3 + i * 0.0007);
            assertThat(MergeRatio.distribute(50, MergeRatio.of(scores, 1, 0.8), MergeRatio.TOLERANT))
                    .as("%s", scores).containsExactly(10, 40);
            assertThat(MergeRatio.distribute(8, MergeRatio.of(scores, 1, 0.75), MergeRatio.TOLERANT))
                    .as("%s", scores).containsExactly(2, 6);
        }
    }

    @Test
    void countsEqualThoseOfRationalArithmetic() {
        long seed = System.nanoTime();
        System.out.println("MergeRatioTests: whole scores drawn with seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            int hundredths = random.nextInt(101);
            int power = 1 + random.nextInt(3);
            int total = 1 + random.nextInt(random.nextBoolean() ? 100 : 20_000);
            List<Integer> scores = random.ints(2 + random.nextInt(4), 1, 40).boxed().toList();
            double unit = Math.pow(2, -random.nextInt(60)) * (random.nextBoolean() ? 1 : 0.1);
            List<Double> ratio = MergeRatio.of(scores.stream().map(score -> score * unit).toList(), power,
                    hundredths / 100.0);
            assertThat(MergeRatio.distribute(total, ratio, MergeRatio.TOLERANT))
                    .as("%d parts, scores %s times %s to the power of %d, floor %d %%, seed %d", total, scores, unit,
                            power,
                            hundredths, seed)
                    .isEqualTo(exactCounts(total, scores, power, hundredths));
        }
    }

    /** The definition in whole numbers, with shares as numerators above one denominator. */
    private static List<Integer> exactCounts(int total, List<Integer> scores, int power, int hundredths) {
        List<BigInteger> shares = new ArrayList<>(
                scores.stream().map(score -> BigInteger.valueOf(score).pow(power)).toList());
        BigInteger sum = shares.stream().reduce(BigInteger.ZERO, BigInteger::add);
        int top = shares.indexOf(Collections.max(shares));
        BigInteger hundred = BigInteger.valueOf(100);
        BigInteger floor = BigInteger.valueOf(hundredths);
        if (shares.get(top).multiply(hundred).compareTo(sum.multiply(floor)) < 0) {
            BigInteger others = sum.subtract(shares.get(top));
            shares.replaceAll(share -> share.multiply(hundred.subtract(floor)));
            shares.set(top, others.multiply(floor));
            sum = others.multiply(hundred);
        }
        List<Integer> counts = new ArrayList<>();
        for (BigInteger share : shares) {
            counts.add(BigInteger.valueOf(total).multiply(share).divide(sum).intValueExact());
        }
        int left = total - counts.stream().mapToInt(Integer::intValue).sum();
        counts.set(top, counts.get(top) + left);
        return counts;
    }
}
