package dev.come.calibration;

import dev.come.calibration.Calibration.GradientOrder;
import dev.come.failure.Opening;
import dev.come.run.StateStore.State;
import dev.come.stack.LayerStack;
import org.jspecify.annotations.Nullable;

/**
 * Gradients on the chunks of one shard, from the last layer of a stack to the first. Asked for the layers in that order, it goes
 * through each once; asked for another, it begins at the end again.
 */
final class ShardGradients implements AutoCloseable {
    private final BackwardPass backward;
    private @Nullable Reached reached;

    /**
     * How far the gradients have come.
     *
     * @param run what is kept of the layers below
     * @param position of the layer that they have gone through last
     * @param states the gradients of the states before it, by chunk
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Reached(GradientRun run, int position, State[] states) {}

    ShardGradients(BackwardPass backward) {
        this.backward = backward;
    }

    /** The sums of a layer; closed by the caller. */
    GradientSums of(LayerStack stack, int position, GradientOrder order) {
        Reached last = reached;
        if (last == null || !last.run.stack().equals(stack) || last.run.order() != order
                || last.position <= position) {
            close();
            last = begin(stack, order);
        }
        reached = null;
        try (Opening opening = new Opening()) {
            Reached from = last;
            opening.add(() -> free(from));
            for (int at = from.position - 1; at > position; at--) {
                backward.through(from.run, at, from.states).close();
            }
            GradientSums sums = backward.through(from.run, position, from.states);
            opening.done();
            reached = new Reached(from.run, position, from.states);
            if (position == 0) {
                close();
            }
            return sums;
        }
    }

    private Reached begin(LayerStack stack, GradientOrder order) {
        try (Opening opening = new Opening()) {
            GradientRun run = backward.forward(stack, order);
            opening.add(run::close);
            State[] gradients = backward.begin(run.takeLast());
            opening.done();
            return new Reached(run, stack.size(), gradients);
        }
    }

    private void free(Reached from) {
        backward.free(from.states);
        from.run.close();
    }

    /** Forgets how far it has come. */
    @Override
    public void close() {
        if (reached != null) {
            free(reached);
        }
        reached = null;
    }
}
