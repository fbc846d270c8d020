package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.run.TokenChunks;
import dev.come.text.Sequences;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
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
            for (boolean byBounds : new boolean[]{false, true}) {
                int[] measured = new int[STACKS];
                TokenChunks chunks = chunks();
                LossSearch search = new LossSearch(STACKS, chunks, exact);
                SearchedLosses found = search.run(chunks.groups(1, 1), new LossSearch.Measure() {
                    @Override
                    public void run(TokenChunks group, List<Integer> stacks) {
                        stacks.forEach(stack -> {
                            int window = group.get(0).first();
                            double loss = losses[stack][window];
                            if (byBounds) {
                                search.addBounds(stack, window, new double[]{loss * (0.8 + 0.2 * random.nextDouble())});
                            } else {
                                search.add(stack, window, new double[]{loss});
                                measured[stack]++;
                            }
                        });
                    }

                    @Override
                    public void finish(TokenChunks group, List<Integer> stacks) {
                        assertThat(byBounds).isTrue();
                        stacks.forEach(stack -> {
                            int window = group.get(0).first();
                            search.add(stack, window, new double[]{losses[stack][window]});
                            measured[stack]++;
                        });
                    }
                });
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
    }

    /** Four are finished at once, then it is asked again. */
    @Test
    void whatItsBoundShowsToBeHopelessIsNotFinished() {
        TokenChunks chunks = TokenChunks.of(Sequences.windows(new int[2048], 2048));
        double[] losses = {2, 1, 3, 1.5, 2.2, 4, 1.7, 1.8, 5};
        double[] gaps = {0.7, 0.1, 0.1, 0.1, 0.1, 3, 0.1, 0.1, 0.1};
        List<Integer> finished = new ArrayList<>();
        LossSearch search = new LossSearch(losses.length, chunks, 2);
        SearchedLosses found = search.run(chunks.groups(1, 1), new LossSearch.Measure() {
            @Override
            public void run(TokenChunks group, List<Integer> stacks) {
                stacks.forEach(stack -> search.addBounds(stack, 0, new double[]{losses[stack] - gaps[stack]}));
            }

            @Override
            public void finish(TokenChunks group, List<Integer> stacks) {
                finished.addAll(stacks);
                stacks.forEach(stack -> search.add(stack, 0, new double[]{losses[stack]}));
            }
        });
        assertThat(finished).containsExactly(1, 5, 0, 3, 6, 7);
        assertThat(found.losses()).startsWith(2.0, 1.0, Double.POSITIVE_INFINITY, 1.5);
        assertThat(found.lowerBounds().get(8)).isCloseTo(4.9, within(0.002));
    }

    private static LossSearch.Measure exactly(BiConsumer<TokenChunks, List<Integer>> run) {
        return new LossSearch.Measure() {
            @Override
            public void run(TokenChunks group, List<Integer> stacks) {
                run.accept(group, stacks);
            }

            @Override
            public void finish(TokenChunks group, List<Integer> stacks) {
                throw new AssertionError("nothing is bounded");
            }
        };
    }

    @Test
    void aStackTwiceAsBadIsNotMeasuredToTheEnd() {
        TokenChunks chunks = chunks();
        List<Integer> measured = new ArrayList<>();
        LossSearch search = new LossSearch(3, chunks, 2);
        search.run(chunks.groups(1, 1), exactly((group, stacks) -> stacks.forEach(stack -> {
            search.add(stack, group.get(0).first(), new double[]{stack == 2 ? 2.5 : 1});
            measured.add(stack);
        })));
        assertThat(IntStream.range(0, 3).map(stack -> (int) measured.stream().filter(one -> one == stack).count()))
                .containsExactly(GROUPS, GROUPS, 3);
    }

    @Test
    void oneStackIsMeasuredOnce() {
        TokenChunks chunks = chunks();
        LossSearch search = new LossSearch(1, chunks, 2);
        SearchedLosses found = search.run(chunks.groups(1, 1), exactly(
                (group, stacks) -> search.add(stacks.getFirst(), group.get(0).first(), new double[]{1.5})));
        assertThat(found.losses()).containsExactly(1.5);
    }
}
