package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Token ids to the residual stream before the first layer, straight from the memory-mapped table. */
public final class Embedding implements AutoCloseable {
    private final Tensor table;
    private final Compute compute;

    /** Uses the table of an open checkpoint, which must stay open. */
    public Embedding(Checkpoint checkpoint, ModelConfig config, Compute compute) {
        try (var _ = new PointerScope()) {
            table = checkpoint.tensor(config.family().embedding());
            table.retainReference();
        }
        this.compute = compute;
    }

    /** Looks up tokens: {@code (tokens, hidden)}, compute type. */
    public Tensor of(int[] tokens) {
        return torch.index_select(table, 0, torch.tensor(tokens)).to(compute.torchDevice(), compute.scalarType());
    }

    @Override
    public void close() {
        table.releaseReference();
    }
}
