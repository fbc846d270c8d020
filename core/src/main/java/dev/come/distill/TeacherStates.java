package dev.come.distill;

import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode.Original;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import org.bytedeco.pytorch.Tensor;

/**
 * The teacher's hidden states, from one boundary between layers to the next. Each layer is run once over all tokens,
 * and only boundaries that someone still needs are kept. Boundary n lies before layer n.
 */
final class TeacherStates implements AutoCloseable {
    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final StateStore states;
    private final Map<Integer, State[]> boundaries = new HashMap<>();
    private int reached;

    /** The states before the first layer. */
    TeacherStates(LayerRunner runner, TokenChunks chunks, StateStore states) {
        this.runner = runner;
        this.chunks = chunks;
        this.states = states;
        State[] embedded = new State[chunks.size()];
        boundaries.put(0, embedded);
        runner.workers().forEach(chunks.size(),
                (chunk, _) -> embedded[chunk] = states.put(runner.embed(chunks.get(chunk))));
    }

    /** The highest boundary so far. */
    int reached() {
        return reached;
    }

    /** Runs the next layer over all tokens. */
    void next() {
        State[] before = Objects.requireNonNull(boundaries.get(reached));
        boundaries.put(++reached, StatesAfter.layer(runner, new Original(reached - 1), Optional.empty(), chunks, states,
                before));
    }

    /** The states of a chunk at a boundary, {@code (tokens, hidden)}, of the current PointerScope, not to be changed. */
    Tensor get(int boundary, int chunk) {
        return states.get(Objects.requireNonNull(boundaries.get(boundary))[chunk]);
    }

    /** Forgets all boundaries but these and the highest, from which the next layer goes on. */
    void keepOnly(Set<Integer> needed) {
        List.copyOf(boundaries.keySet()).stream()
                .filter(boundary -> boundary != reached && !needed.contains(boundary)).forEach(this::free);
    }

    private void free(int boundary) {
        State[] known = boundaries.remove(boundary);
        if (known != null) {
            List.of(known).forEach(states::free);
        }
    }

    /** The states before and after some of the teacher's layers. */
    Examples examples(Students.Span span, int training) {
        return examples(span, training, chunk -> get(span.begin(), chunk));
    }

    /**
     * Other states, and those after some of the teacher's layers.
     *
     * @param inputs gives the other states of a chunk, of the current PointerScope
     */
    Examples examples(Students.Span span, int training, IntFunction<Tensor> inputs) {
        return new Examples() {
            @Override
            public TokenChunks chunks() {
                return chunks;
            }

            @Override
            public int training() {
                return training;
            }

            @Override
            public Tensor input(int chunk) {
                return inputs.apply(chunk);
            }

            @Override
            public Tensor target(int chunk) {
                return get(span.end(), chunk);
            }
        };
    }

    @Override
    public void close() {
        List.copyOf(boundaries.keySet()).forEach(this::free);
    }
}
