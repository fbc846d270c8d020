package dev.come.calibration;

import dev.come.run.StateStore.State;
import dev.come.stack.LayerNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The hidden states of all calibration tokens after a layer, and what was observed inside it. A layer's states depend on
 * the layers below it, so a trace is a node in a tree: its path from the root is the stack that led to it.
 */
final class Trace {
    private final @Nullable Trace parent;
    private final List<State> states;
    private final @Nullable Observation observation;
    private final Map<LayerNode, Trace> children = new HashMap<>();
    private final Map<Span, double[]> angles = new HashMap<>();

    /**
     * What was observed while the layer ran.
     *
     * @param influence the sum of 1 - cosine over the tokens of each chunk
     * @param sums what went through the heads and channels of the layer
     */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares observations
    record Observation(double[] influence, LayerSums sums) {}

    /** Angles to the states this number of layers below. */
    record Span(int layers, Calibration.Tokens tokens) {}

    Trace(@Nullable Trace parent, List<State> states, @Nullable Observation observation) {
        this.parent = parent;
        this.states = List.copyOf(states);
        this.observation = observation;
    }

    /** The trace of the layer below; the root, which holds the embeddings, has none. */
    Trace parent() {
        if (parent == null) {
            throw new IllegalStateException("the embeddings have no layer below");
        }
        return parent;
    }

    /** By chunk. */
    List<State> states() {
        return states;
    }

    Observation observation() {
        if (observation == null) {
            throw new IllegalStateException("the embeddings come from no layer");
        }
        return observation;
    }

    Map<LayerNode, Trace> children() {
        return children;
    }

    /** Sums of angles by chunk that were measured before. */
    Map<Span, double[]> angles() {
        return angles;
    }
}
