package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.NothingToDoException;
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
            assertThat(MergeRatio.distribute(row.get("n").asInt(), Golden.doubles(row.get("ratio"))))
                    .isEqualTo(Golden.integers(row.get("counts")));
        }
        for (JsonNode row : TABLES.get("granularity")) {
            int g = row.get("g").asInt();
            for (int i = 0; i <= g; i++) {
                List<Double> ratio = List.of((double) i / g, 1 - (double) i / g);
                assertThat(MergeRatio.distribute(row.get("n").asInt(), ratio))
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
            List<Integer> counts = MergeRatio.distribute(total, ratio);
            assertThat(counts).as(drawn).allMatch(count -> count >= 0);
            assertThat(counts.stream().mapToInt(Integer::intValue).sum()).as(drawn).isEqualTo(total);
        }
    }
}
