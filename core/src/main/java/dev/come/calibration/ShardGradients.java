package dev.come.calibration;

import dev.come.calibration.Calibration.GradientOrder;
import dev.come.run.StateStore.State;
import dev.come.stack.LayerStack;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gradients on the chunks of one shard, from the last layer of a stack to the first. Asked for the layers in that order, it goes
 * through each once; asked for another, it begins at the end again.
 */
final class ShardGradients implements AutoCloseable {
    private final Shard shard;
    private final BackwardPass backward;
    private @Nullable Reached reached;

    /**
     * How far the gradients have come.
     *
     * @param position of the layer that they have gone through last
     * @param states the gradients of the states before it, by chunk
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Reached(LayerStack stack, GradientOrder order, int position, State[] states) {}

    ShardGradients(Shard shard, BackwardPass backward) {
        this.shard = shard;
        this.backward = backward;
    }

    /** The sums of a layer; closed by the caller. */
    GradientSums of(LayerStack stack, int position, GradientOrder order) {
        List<Trace> path = shard.path(stack);
        Reached last = reached;
        if (last == null || !last.stack.equals(stack) || last.order != order || last.position <= position) {
            close();
            last = new Reached(stack, order, stack.size(), backward.begin(path.getLast().states()));
        }
        reached = null;
        for (int at = last.position - 1; at > position; at--) {
            through(path, last, at).close();
        }
        GradientSums sums = through(path, last, position);
        reached = new Reached(stack, order, position, last.states);
        if (position == 0) {
            close();
        }
        return sums;
    }

    private GradientSums through(List<Trace> path, Reached from, int position) {
        boolean done = false;
        try {
            GradientSums sums = backward.through(from.stack.get(position), path.get(position).states(), from.states,
                    from.order);
            done = true;
            return sums;
        } finally {
            if (!done) {
                backward.free(from.states);
            }
        }
    }

    /** Forgets how far it has come. */
    @Override
    public void close() {
        if (reached != null) {
            backward.free(reached.states);
        }
        reached = null;
    }
}
