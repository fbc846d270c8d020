package dev.come.calibration;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Shards.Context;
import dev.come.failure.Opening;
import dev.come.model.Compute;
import dev.come.model.Workers;
import dev.come.run.LossesElsewhere;
import dev.come.run.OtherMachines;
import dev.come.run.StackLosses;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** States of a healing that lie in shards. */
public final class HealingOnCluster implements HealingStates, AutoCloseable {
    private final LayerStore store;
    private final TokenChunks chunks;
    private final int fitted;
    private final Progress progress;
    private final RemoteShards shards;
    private final Compute compute;
    private final Supplier<OtherMachines> machines;
    private final Workers workers;

    /**
     * Brings the tokens to the machines.
     *
     * @param store makes layers
     * @param compute how fits are computed here
     * @param begin makes the shards of chunks
     * @param machines the same machines for losses of whole stacks, which any of them can measure; closed after each use
     */
    public HealingOnCluster(LayerStore store, HeldOut tokens, Compute compute, Progress progress,
            Function<TokenChunks, RemoteShards> begin, Supplier<OtherMachines> machines) {
        TokenChunks seen = TokenChunks.of(tokens.fitted());
        this.store = store;
        this.compute = compute;
        this.machines = machines;
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
        List<LayerStack> stacks = List.of(stack);
        try (StackLosses here = new StackLosses(store, stacks, tokens.heldOut(), compute, 0);
                OtherMachines others = machines.get();
                Progress.Task task = progress.begin("checking the healed layers", here.runs(), "windows",
                        tokens.heldOut().count())) {
            return LossesElsewhere.means(others, stacks, tokens.heldOut(), task).getFirst();
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
