package dev.come.heal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.heal.PenaltySearch.Course;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PenaltySearchTests {
    private static final int SIZE = 33;
    private static final double WIDTH = 0.5;

    private final List<Integer> tried = new ArrayList<>();

    private int best(int start, IntFunction<Optional<Course>> courses) {
        return new PenaltySearch(SIZE, WIDTH, index -> {
            tried.add(index);
            return courses.apply(index);
        }).best(start);
    }

    /** (x - bottom)^2 + 3 where x = WIDTH * index. */
    private static IntFunction<Optional<Course>> bowl(double bottom) {
        return index -> {
            double distance = WIDTH * index - bottom;
            return Optional.of(new Course(distance * distance + 3, 2 * distance, 2));
        };
    }

    @Test
    void aGoodStartIsTriedAlone() {
        assertThat(best(12, bowl(6.1))).isEqualTo(12);
        assertThat(tried).containsExactly(12);
    }

    @Test
    void oneStepLeadsToTheBottomOfABowl() {
        assertThat(best(9, bowl(6.1))).isEqualTo(12);
        assertThat(tried).containsExactly(9, 12);
    }

    @ParameterizedTest
    @ValueSource(doubles = {-100, -0.3, 0, 0.3, 15.9, 16, 100})
    void theEndsOfThePathAreFound(double bottom) {
        int expected = Math.clamp(Math.round(bottom / WIDTH), 0, SIZE - 1);
        for (int start = 0; start < SIZE; start++) {
            assertThat(best(start, bowl(bottom))).isEqualTo(expected);
        }
    }

    /** As where rows are few: what is below cannot be solved. */
    @Test
    void aPenaltyThatCannotBeSolvedIsTooSmall() {
        for (int start = 0; start < SIZE; start++) {
            assertThat(best(start, index -> index < 20 ? Optional.empty() : bowl(3).apply(index))).isEqualTo(20);
        }
        assertThat(best(5, _ -> Optional.empty())).isEqualTo(SIZE - 1);
    }

    /** The twin tries all; curvatures of any sign, slopes that are nearly nothing far from the bottom. */
    @Test
    void whereverItBeginsItFindsTheBottomOfAnyValley() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            double bottom = 16 * random.nextDouble();
            double steep = 0.1 + 4 * random.nextDouble();
            double far = random.nextDouble();
            IntFunction<Optional<Course>> valley = index -> {
                double x = (WIDTH * index - bottom) / steep;
                double square = x * x;
                // x^2 / (1 + x^2), flat on both sides, and a little of a bowl
                double sunk = 1 / (1 + square);
                double slope = 2 * x * sunk * sunk + 0.02 * far * x;
                double curvature = (2 - 6 * square) * sunk * sunk * sunk + 0.02 * far;
                return Optional.of(new Course(square * sunk + 0.01 * far * square, slope / steep,
                        curvature / steep / steep));
            };
            double least = IntStream.range(0, SIZE).mapToDouble(index -> valley.apply(index).orElseThrow().error())
                    .min().orElseThrow();
            tried.clear();
            int found = best(random.nextInt(SIZE), valley);
            // Newton's method takes the bottom of the parabola for that of the valley: half a step beside it at the most.
            assertThat(Math.abs(WIDTH * found - bottom)).as("seed %d, round %d", seed, round)
                    .isLessThanOrEqualTo(WIDTH);
            assertThat(valley.apply(found).orElseThrow().error()).as("seed %d, round %d", seed, round)
                    .isCloseTo(least, within(0.2));
            assertThat(tried).as("seed %d, round %d", seed, round).hasSizeLessThanOrEqualTo(9).doesNotHaveDuplicates();
        }
    }
}
