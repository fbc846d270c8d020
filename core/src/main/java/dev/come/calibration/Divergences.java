package dev.come.calibration;

import dev.come.calibration.Question.Range;
import dev.come.model.NextTokenDivergence;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** How far the next-token probabilities of stacks are from the dense model's, on some chunks of a shard. */
final class Divergences {
    private final Shard shard;
    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final Range on;
    private final List<State> dense;

    /**
     * Measures nothing yet.
     *
     * @param chunks those of the shard
     * @param on the numbers of those to measure on
     * @param dense the last states of the dense model, by chunk
     */
    Divergences(Shard shard, TokenChunks chunks, Range on, List<State> dense) {
        this.shard = shard;
        this.runner = shard.runner();
        this.chunks = chunks;
        this.on = on;
        this.dense = dense;
    }

    /** To how many runs of a layer over a chunk it comes. */
    long runs(List<LayerStack> stacks) {
        return (shard.searches().candidates(stacks).layerRuns(on) + 2 * runner.headRuns() * stacks.size()) * on.size();
    }

    /** As {@link Calibration#divergences}. */
    List<Double> of(List<LayerStack> stacks) {
        double[][] sums = new double[stacks.size()][on.size()];
        List<Integer> all = IntStream.range(0, stacks.size()).boxed().toList();
        Candidates candidates = shard.searches().candidates(stacks);
        int from = on.from();
        for (TokenChunks group : shard.searches().groups(on, stacks.size())) {
            candidates.run(new Range(from, from + group.size()), all, (stack, chunk, hidden, workspace) -> {
                NextTokenDivergence divergence = NextTokenDivergence.of(runner.head(),
                        shard.states().get(dense.get(chunk)), runner.head(), hidden, workspace);
                sums[stack][chunk - on.from()] = Arrays.stream(divergence.nats()).sum();
                runner.advance(2 * runner.headRuns());
            });
            from += group.size();
        }
        long tokens = chunks.some(on.from(), on.to()).tokens();
        return Arrays.stream(sums).map(ofStack -> Arrays.stream(ofStack).sum() / tokens).toList();
    }
}
