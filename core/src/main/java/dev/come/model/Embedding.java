package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.memory.Retained;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** Token ids to the residual stream before the first layer. Of the tables only the rows that are wanted are read. */
public final class Embedding implements AutoCloseable {
    private final ModelConfig config;
    private final Compute compute;
    private final Rows table;
    private final @Nullable Rows positions;
    private final @Nullable Retained<Tensor> projection;

    /** Uses the table of an open checkpoint, which must stay open. */
    public Embedding(Checkpoint checkpoint, ModelConfig config, Compute compute) {
        this.config = config;
        this.compute = compute;
        Family.Names names = config.family().names();
        table = new Rows.InFile(checkpoint, names.embedding());
        positions = names.positions().map(name -> new Rows.InFile(checkpoint, name)).orElse(null);
        try (var _ = new PointerScope()) {
            projection = config.embeddingSize() == config.hiddenSize()
                    ? null
                    : Retained.of(checkpoint.tensor(names.projectIn().orElseThrow()));
        }
    }

    /**
     * Looks up tokens.
     *
     * @param layout the sequences that the tokens form
     * @return {@code (tokens, hidden)}, compute type
     * @throws InvalidInputException if positions are learned and a sequence is longer than that
     */
    public Tensor of(int[] tokens, TokenLayout layout) {
        Tensor hidden = rows(table, tokens);
        if (projection != null) {
            hidden = hidden.mm(projection.borrow().to(compute.torchDevice(), compute.scalarType()).t());
        }
        if (config.multipliers().embedding() != 1) {
            // Rounded as the embedding is, which is how such models were trained.
            hidden.mul_(torch.tensor(config.multipliers().embedding()).to(compute.torchDevice(),
                    compute.scalarType()));
        }
        if (positions != null) {
            hidden.add_(rows(positions, positions(layout)));
        }
        return hidden;
    }

    private Tensor rows(Rows from, int[] indices) {
        return from.pick(indices).to(compute.torchDevice(), compute.scalarType());
    }

    private int[] positions(TokenLayout layout) {
        int[] lengths = layout.lengths();
        return IntStream.range(0, lengths.length).flatMap(i -> {
            int first = layout.firstPosition(i);
            if (first + lengths[i] > config.maxPositions()) {
                throw new InvalidInputException("a sequence has " + (first + lengths[i])
                        + " tokens, but the model has positions for " + config.maxPositions()
                        + " only; take shorter ones (--seqlen " + config.maxPositions() + ")");
            }
            return IntStream.range(first, first + lengths[i]);
        }).map(position -> position + config.positionOffset()).toArray();
    }

    @Override
    public void close() {
        if (projection != null) {
            projection.close();
        }
    }
}
