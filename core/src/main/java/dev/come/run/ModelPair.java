package dev.come.run;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.checkpoint.DType;
import dev.come.failure.Opening;
import dev.come.model.Compute;
import dev.come.model.NextTokenDivergence;
import dev.come.model.Workspace;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;

/**
 * A model and a reference with the same vocabulary on the same sequences. It measures the loss of each token in both,
 * and how far apart their next-token probabilities are. Sequences go through in groups that fit the memory, first
 * through the reference, whose last states are kept, then through the model; each runs a layer at a time.
 */
public final class ModelPair implements AutoCloseable {
    private final LayerRunner model;
    private final LayerRunner reference;
    private final String whyNotFinite;
    private final List<TokenChunks> groups;

    /** Is told of the tokens of a sequence; called from several threads, for different sequences. */
    public interface Sink {
        /**
         * Takes a sequence, of whose tokens those from the first one on count that is scored.
         *
         * @param losses the model's cross-entropy of each, in nats
         * @param referenceLosses the reference's
         * @param divergence of the probabilities by which each is predicted
         */
        void accept(int sequence, double[] losses, double[] referenceLosses, NextTokenDivergence divergence);
    }

    /**
     * Plans the work.
     *
     * @param memory bytes of hidden states that are held at most; one chunk for each thread goes through in any case
     */
    public ModelPair(LayerStore model, Compute compute, LayerStore reference, Compute referenceCompute,
            Sequences sequences, long memory) {
        this(model, compute, reference, referenceCompute, TokenChunks.of(sequences), memory);
    }

    /** The same with some of the chunks, whose sequences keep their numbers. */
    ModelPair(LayerStore model, Compute compute, LayerStore reference, Compute referenceCompute, TokenChunks chunks,
            long memory) {
        try (Opening opening = new Opening()) {
            this.model = new LayerRunner(model, compute);
            opening.add(this.model::close);
            this.reference = new LayerRunner(reference, referenceCompute);
            opening.done();
        }
        this.whyNotFinite = (compute.type() == DType.F32 ? referenceCompute : compute).whyNotFinite();
        // The reference's last states, the model's, and once more those that a layer changes.
        long tokenBytes = Math.max((long) model.config().hiddenSize() * compute.type().bytes(),
                (long) reference.config().hiddenSize() * referenceCompute.type().bytes());
        this.groups = chunks.groups(memory / 3 / tokenBytes, compute.threads());
    }

    /** What {@link #measure} will advance progress by, in all. */
    public long runs() {
        return Stream.of(model, reference).mapToLong(runner -> runner.store().config().layers() + runner.headRuns())
                .sum() * groups.stream().mapToLong(TokenChunks::size).sum();
    }

    /**
     * Runs both.
     *
     * @param first for each sequence the position of the first token that is scored, at least 1
     * @param progress advances by one with every layer that was run over a chunk of tokens, and by about as much as it costs
     *        with every run of an output projection
     */
    public void measure(IntUnaryOperator first, Sink sink, Progress.Task progress) {
        reference.reporting(progress, () -> model.reporting(progress, () -> {
            groups.forEach(group -> measure(group, first, sink));
            return true;
        }));
    }

    private void measure(TokenChunks group, IntUnaryOperator first, Sink sink) {
        double[][][] referenceLosses = new double[group.size()][][];
        try (ChunkStates kept = new ChunkStates(group.size())) {
            run(reference, group, (chunk, hidden, losses, _) -> {
                kept.keep(chunk, hidden.detach());
                referenceLosses[chunk] = losses;
            }, first);
            run(model, group, (chunk, hidden, losses, workspace) -> {
                Tensor other = kept.borrow(chunk);
                if (other == null) {
                    throw new IllegalStateException("the reference has not been run");
                }
                compare(group.get(chunk), first, other, referenceLosses[chunk], hidden, losses, workspace, sink);
            }, first);
        }
    }

    /** What becomes of a chunk that one of the two is through with. */
    private interface Finish {
        void accept(int chunk, Tensor hidden, double[][] losses, Workspace workspace);
    }

    private static void run(LayerRunner runner, TokenChunks group, Finish finish, IntUnaryOperator first) {
        LayerStack layers = LayerStack.dense(runner.store().config().layers());
        try (StackRun run = new StackRun(runner, group)) {
            run.add(chunk -> runner.embed(group.get(chunk)), StackRun.whole(List.of(layers)));
            run.run((_, chunk, hidden, workspace) -> finish.accept(chunk, hidden,
                    runner.tokenLosses(group.get(chunk), hidden, first, workspace, layers), workspace));
        }
    }

    private void compare(Chunk chunk, IntUnaryOperator first, Tensor referenceHidden, double[][] referenceLosses,
            Tensor hidden, double[][] losses, Workspace workspace, Sink sink) {
        chunk.forEachSequence((sequence, start, length) -> {
            int from = first.applyAsInt(sequence);
            if (length > from) {
                int index = sequence - chunk.first();
                NextTokenDivergence divergence = NextTokenDivergence.of(reference.head(),
                        referenceHidden.narrow(0, start + from - 1L, length - from), model.head(),
                        hidden.narrow(0, start + from - 1L, length - from), workspace);
                if (!Double.isFinite(Arrays.stream(divergence.nats()).sum())) {
                    throw new FailedException("The divergence on sequence " + sequence
                            + " is not finite; of one of the models " + whyNotFinite);
                }
                sink.accept(sequence, losses[index], referenceLosses[index], divergence);
            }
        });
    }

    @Override
    public void close() {
        model.close();
        reference.close();
    }
}
