package dev.come.calibration;

import dev.come.model.DecoderLayer;
import dev.come.model.LayerObserver;
import dev.come.model.Rotation;
import dev.come.model.TokenLayout;
import dev.come.model.Workspace;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.stack.LayerNode;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * A layer of the dense model on its way over the chunks, which keeps the residual streams that its halves read.
 */
final class DenseReads extends ForwardPass {
    private final StateStore states;
    private final int layer;
    private final List<State> before;
    private final State[] between;

    /**
     * Begins before a layer.
     *
     * @param layer its number
     * @param before the states before it
     */
    DenseReads(StateStore states, int layer, List<State> before) {
        super(states, before, false);
        this.states = states;
        this.layer = layer;
        this.before = before;
        this.between = new State[before.size()];
    }

    @Override
    public void forward(DecoderLayer dense, int chunk, Tensor hidden, TokenLayout layout, Rotation rotation,
            Workspace workspace) {
        dense.forward(hidden, layout, rotation, workspace, new LayerObserver() {
            @Override
            public void attentionOutput(Tensor x) {
            }

            @Override
            public void afterAttention(Tensor after) {
                between[chunk] = states.put(after.clone());
            }

            @Override
            public void feedForwardChannels(Tensor x) {
            }
        }, null);
    }

    /** The number of the layer. */
    int layer() {
        return layer;
    }

    /** Whether a layer of the stack stands for this one alone. */
    boolean isThatOf(LayerNode node) {
        return node.originals().count() == 1 && node.originals().findFirst().orElseThrow() == layer;
    }

    /** The states before the layer, by chunk. */
    List<State> before() {
        return before;
    }

    /** The states between its halves, by chunk. */
    List<State> between() {
        return Arrays.asList(between);
    }

    /** Forgets the states between the halves. */
    void close() {
        Arrays.stream(between).filter(state -> state != null).forEach(states::free);
    }
}
