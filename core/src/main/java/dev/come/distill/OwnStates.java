package dev.come.distill;

import dev.come.model.LayerWeights;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStore;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** The hidden states of the pruned model itself, from one boundary between its layers to the next. */
final class OwnStates implements AutoCloseable {
    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final StateStore states;
    private State[] current;

    /**
     * Those that are the teacher's yet.
     *
     * @param teacher has reached a boundary below which the pruned model is the teacher
     */
    OwnStates(LayerRunner runner, TokenChunks chunks, StateStore states, TeacherStates teacher) {
        this.runner = runner;
        this.chunks = chunks;
        this.states = states;
        this.current = new State[chunks.size()];
        for (int chunk = 0; chunk < current.length; chunk++) {
            try (var _ = new PointerScope()) {
                current[chunk] = states.put(teacher.get(teacher.reached(), chunk));
            }
        }
    }

    /** The states of a chunk, {@code (tokens, hidden)}, of the current PointerScope, not to be changed. */
    Tensor get(int chunk) {
        return states.get(current[chunk]);
    }

    /** Runs the next layer over all tokens. */
    void next(LayerStore store, LayerNode node) {
        State[] before = current;
        try (var _ = new PointerScope()) {
            LayerWeights weights = store.materialise(node);
            current = StatesAfter.layer(runner, node, Optional.of(weights), chunks, states, before);
        }
        List.of(before).forEach(states::free);
    }

    @Override
    public void close() {
        List.of(current).forEach(states::free);
    }
}
