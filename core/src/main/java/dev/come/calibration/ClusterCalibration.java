package dev.come.calibration;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Shards.Context;
import dev.come.model.Compute;
import dev.come.model.Workers;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Calibration whose shards lie on other machines. What comes out is the same to the bit as {@link LocalCalibration} gives. */
public final class ClusterCalibration extends ShardedCalibration {
    private final RemoteShards shards;
    private final TokenChunks chunks;
    private final LayerStore store;
    private final Workers workers;

    /**
     * Measures all chunks, and refits layers if somebody says how.
     *
     * @param shards of all chunks; closed with this
     * @param fits says on which of the chunks layers are refitted; null if none are
     * @param memory bytes of hidden states that all shards together hold in memory
     */
    public ClusterCalibration(RemoteShards shards, LayerStore store, TokenChunks chunks, @Nullable RefittedLayers fits,
            Compute compute, Reading reading, long memory, Progress progress) {
        super(shards, store, chunks, fits, compute, reading, memory, progress);
        this.shards = shards;
        this.chunks = chunks;
        this.store = store;
        this.workers = new Workers(compute);
    }

    @Override
    StackBesideDense beside(Side side, Context about, int position, Progress.Task task) {
        return new SideBySideOnShards(shards, about, side, chunks, position, store.config(), workers);
    }

    @Override
    public List<Salience> gradientProducts(LayerStack stack, GradientOrder order) {
        if (order == GradientOrder.NEVER_ZEROED && Shard.divide(chunks).size() > 1) {
            throw new UsageException(
                    "--master, --compat reference: gradients that are never zeroed go from one sequence to "
                            + "the next, which several machines cannot share; leave one of the two out");
        }
        return super.gradientProducts(stack, order);
    }

    @Override
    Workers workers() {
        return workers;
    }

    @Override
    public void close() {
        workers.close();
        super.close();
    }
}
