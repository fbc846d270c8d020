package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.text.Sequences;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The search on made-up losses: what it finds, and what it does not measure. */
class LossSearchTests {
    private static final int GROUPS = 6;
    private static final int STACKS = 9;

    /** One sequence of 2048 tokens for each chunk, one chunk for each group. */
    private static TokenChunks chunks() {
        return TokenChunks.of(Sequences.windows(new int[GROUPS * 2048], 2048));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, STACKS, STACKS + 1})
    void theLeastAreExactAndHopelessOnesAreGivenUp(int exact) {
        long seed = System.nanoTime();
        System.out.println("LossSearchTests: losses drawn with seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            double[][] losses = new double[STACKS][GROUPS];
            for (double[] row : losses) {
                double level = 1 + 3 * random.nextDouble();
                Arrays.setAll(row, _ -> level * (0.5 + random.nextDouble()));
            }
            int[] measured = new int[STACKS];
            TokenChunks chunks = chunks();
            LossSearch search = new LossSearch(STACKS, chunks, exact);
            SearchedLosses found = search.run(chunks.groups(1, 1), (group, stacks) -> stacks.forEach(stack -> {
                int window = group.get(0).first();
                search.add(stack, window, new double[]{losses[stack][window]});
                measured[stack]++;
            }));
            double[] means = Arrays.stream(losses).mapToDouble(row -> Arrays.stream(row).sum() / GROUPS).toArray();
            double last = Arrays.stream(means).sorted().toArray()[Math.min(exact, STACKS) - 1];
            for (int stack = 0; stack < STACKS; stack++) {
                if (measured[stack] == GROUPS) {
                    assertThat(found.losses().get(stack)).as("seed " + seed).isCloseTo(means[stack], within(1e-12));
                } else {
                    assertThat(means[stack]).as("seed " + seed).isGreaterThan(last - 1e-12);
                    assertThat(found.losses().get(stack)).isInfinite();
                    assertThat(found.lowerBounds().get(stack)).isBetween(last - 1e-12, means[stack]);
                }
            }
        }
    }

    @Test
    void aStackTwiceAsBadIsNotMeasuredToTheEnd() {
        TokenChunks chunks = chunks();
        List<Integer> measured = new ArrayList<>();
        LossSearch search = new LossSearch(3, chunks, 2);
        search.run(chunks.groups(1, 1), (group, stacks) -> stacks.forEach(stack -> {
            search.add(stack, group.get(0).first(), new double[]{stack == 2 ? 2.5 : 1});
            measured.add(stack);
        }));
        assertThat(IntStream.range(0, 3).map(stack -> (int) measured.stream().filter(one -> one == stack).count()))
                .containsExactly(GROUPS, GROUPS, 3);
    }

    @Test
    void oneStackIsMeasuredOnce() {
        TokenChunks chunks = chunks();
        LossSearch search = new LossSearch(1, chunks, 2);
        SearchedLosses found = search.run(chunks.groups(1, 1),
                (group, stacks) -> search.add(stacks.getFirst(), group.get(0).first(), new double[]{1.5}));
        assertThat(found.losses()).containsExactly(1.5);
    }
}
