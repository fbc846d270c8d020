package dev.come.distill;

import dev.come.run.TokenChunks;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Which chunks of tokens are trained on in which step. All chunks are taken in an order that the seed decides, then all again
 * in another order, until there are enough tokens.
 *
 * @param steps the numbers of the chunks of each step
 */
record Batches(List<List<Integer>> steps) {
    Batches {
        steps = List.copyOf(steps);
    }

    /**
     * Plans the steps.
     *
     * @param training how many of the chunks are trained on: the first ones
     * @param tokens after so many tokens it is enough
     * @param batchTokens tokens in a batch at most, but at least one chunk
     */
    static Batches of(TokenChunks chunks, int training, long tokens, long batchTokens, long seed) {
        List<List<Integer>> steps = new ArrayList<>();
        List<Integer> batch = new ArrayList<>();
        long inBatch = 0;
        long taken = 0;
        for (int epoch = 0; taken < tokens; epoch++) {
            for (int chunk : order(training, seed, epoch)) {
                int length = chunks.get(chunk).tokens().length;
                if (!batch.isEmpty() && inBatch + length > batchTokens) {
                    steps.add(List.copyOf(batch));
                    batch.clear();
                    inBatch = 0;
                }
                if (taken >= tokens) {
                    break;
                }
                batch.add(chunk);
                inBatch += length;
                taken += length;
            }
        }
        if (!batch.isEmpty()) {
            steps.add(List.copyOf(batch));
        }
        return new Batches(steps);
    }

    private static List<Integer> order(int count, long seed, int epoch) {
        List<Integer> order = IntStream.range(0, count).boxed().collect(Collectors.toCollection(ArrayList::new));
        Collections.shuffle(order, new Random(seed * 1_000_003 + epoch));
        return order;
    }

    int count() {
        return steps.size();
    }
}
