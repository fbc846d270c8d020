package dev.come.calibration;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Question.Range;
import dev.come.calibration.Shards.Context;
import dev.come.failure.Opening;
import dev.come.model.Compute;
import dev.come.model.Workers;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** States of a healing that lie in shards. */
public final class HealingOnCluster implements HealingStates, AutoCloseable {
    private final LayerStore store;
    private final TokenChunks chunks;
    private final int fitted;
    private final Progress progress;
    private final RemoteShards shards;
    private final Workers workers;

    /**
     * Brings the tokens to the machines.
     *
     * @param store makes layers
     * @param compute how fits are computed here
     * @param begin makes the shards of chunks
     */
    public HealingOnCluster(LayerStore store, HeldOut tokens, Compute compute, Progress progress,
            Function<TokenChunks, RemoteShards> begin) {
        TokenChunks seen = TokenChunks.of(tokens.fitted());
        this.store = store;
        this.chunks = seen.followedBy(TokenChunks.of(tokens.heldOut()));
        this.fitted = seen.size();
        this.progress = progress;
        try (Opening opening = new Opening()) {
            this.workers = new Workers(compute);
            opening.add(workers::close);
            this.shards = begin.apply(chunks);
            opening.done();
        }
    }

    @Override
    public StackBesideDense beside(HeldOut tokens, Function<TokenChunks, TokenWeights> weights, boolean keepsReads) {
        if (keepsReads || !weights.apply(chunks).equals(TokenWeights.NORM)) {
            throw onOneMachine();
        }
        return new SideBySideOnShards(shards, Context.of(LayerStack.dense(store.config().layers())),
                new Side(new Side.DenseRuns(), fitted, chunks.size()), chunks, 0, store.config(), workers);
    }

    @Override
    public double[] losses(LayerStack stack, HeldOut tokens) {
        Range heldOut = new Range(fitted, chunks.size());
        shards.enter(Context.of(stack).during(1));
        try (Progress.Task task = progress.begin("checking the healed layers", heldOut.size(), "windows")) {
            List<double[][][]> losses = shards.ask(
                    new Question.Losses(List.of(stack), List.of(0), heldOut, null, true), heldOut, task);
            return losses.stream().flatMap(shard -> Stream.of(shard[0])).flatMapToDouble(Arrays::stream).toArray();
        }
    }

    @Override
    public List<double[]> denseLosses(HeldOut tokens) {
        throw onOneMachine();
    }

    private static UsageException onOneMachine() {
        return new UsageException(
                "--master: layers are healed with --heal-targets all, other --heal-weights or more passes on one machine only; leave --master out");
    }

    @Override
    public void close() {
        workers.close();
        shards.close();
    }
}
