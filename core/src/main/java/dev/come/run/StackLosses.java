package dev.come.run;

import dev.come.Progress;
import dev.come.model.Compute;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * The losses of several stacks on the same sequences. Stacks that begin alike share the work of their common layers, and
 * sequences go through in groups that fit the memory.
 */
public final class StackLosses implements AutoCloseable {
    /** Every token of a sequence is scored but the first, which nothing predicts. */
    public static final IntUnaryOperator ALL = _ -> 1;

    private final LayerRunner runner;
    private final List<LayerStack> stacks;
    private final List<TokenChunks> groups;
    private final int sequenceCount;

    /** Is told what tokens cost; called from several threads, for different stacks and sequences. */
    public interface Sink {
        /**
         * Takes a sequence.
         *
         * @param losses the cross-entropy of its tokens from the first one on that is scored, in nats
         */
        void accept(int stack, int sequence, double[] losses);
    }

    /**
     * Plans the work.
     *
     * @param memory bytes of hidden states that are held at most; one chunk for each thread goes through in any case
     */
    public StackLosses(LayerStore store, List<LayerStack> stacks, Sequences sequences, Compute compute, long memory) {
        this(store, stacks, TokenChunks.of(sequences), compute, memory);
    }

    /** The same with some of the chunks, whose sequences keep their numbers. */
    StackLosses(LayerStore store, List<LayerStack> stacks, TokenChunks chunks, Compute compute, long memory) {
        this.runner = new LayerRunner(store, compute);
        this.stacks = List.copyOf(stacks);
        this.sequenceCount = chunks.sequences();
        // In the end the states of every stack are held, and once more those that a layer changes.
        long tokenBytes = (long) store.config().hiddenSize() * compute.type().bytes();
        this.groups = chunks.groups(memory / (1 + stacks.size()) / tokenBytes, compute.threads());
    }

    /** What {@link #measure} will advance progress by, in all. */
    public long runs() {
        return (StackRun.runs(stacks.stream().map(LayerStack::nodes).toList()) + runner.headRuns() * stacks.size())
                * groups.stream().mapToLong(TokenChunks::size).sum();
    }

    /**
     * The mean cross-entropy of the second to last token of each sequence, in nats.
     *
     * @param progress advances by one with every layer that was run over a chunk of tokens, and by about as much as it costs
     *        with every run of the output projection
     * @return one array for each stack: the losses of the sequences in their order
     */
    public List<double[]> measure(Progress.Task progress) {
        double[][] means = new double[stacks.size()][sequenceCount];
        measure(ALL, into(means), progress);
        return Arrays.asList(means);
    }

    /** Puts the mean of each sequence into an array (stacks, sequences). */
    static Sink into(double[][] means) {
        return (stack, sequence, losses) -> means[stack][sequence] = Arrays.stream(losses).average().orElse(0);
    }

    /**
     * The cross-entropy of single tokens.
     *
     * @param first for each sequence the position of the first token that is scored, at least 1
     * @param sink is given them
     * @param progress as for the means
     */
    public void measure(IntUnaryOperator first, Sink sink, Progress.Task progress) {
        runner.reporting(progress, () -> {
            for (TokenChunks group : groups) {
                try (StackRun run = new StackRun(runner, group)) {
                    run.add(chunk -> runner.embed(group.get(chunk)), StackRun.whole(stacks));
                    run.run((stack, index, hidden, workspace) -> {
                        Chunk chunk = group.get(index);
                        double[][] losses = runner.tokenLosses(chunk, hidden, first, workspace, stacks.get(stack));
                        for (int i = 0; i < losses.length; i++) {
                            sink.accept(stack, chunk.first() + i, losses[i]);
                        }
                    });
                }
            }
            return true;
        });
    }

    @Override
    public void close() {
        runner.close();
    }
}
