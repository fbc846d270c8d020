package dev.come.calibration;

import dev.come.failure.Opening;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The states that a concatenated layer is to give where it is now: what its sources give on its own input. Whoever makes one
 * closes it.
 */
final class MergeTarget implements DenseStates {
    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final StateStore states;
    private final List<State> before;
    /** States of all chunks where the first halves of the sources that were run would end together. */
    private List<State> between = List.of();
    private List<State> after = List.of();

    private MergeTarget(LayerRunner runner, TokenChunks chunks, StateStore states, List<State> before) {
        this.runner = runner;
        this.chunks = chunks;
        this.states = states;
        this.before = before;
    }

    /**
     * Runs the sources.
     *
     * @param states where the states are kept
     * @param before the states before the merged layer, by chunk, which stay
     */
    static MergeTarget of(Concatenated merged, Calibration.Together how, LayerRunner runner, TokenChunks chunks,
            StateStore states, List<State> before) {
        MergeTarget target = new MergeTarget(runner, chunks, states, before);
        try (Opening opening = new Opening(); var _ = new PointerScope()) {
            opening.add(target::close);
            switch (how) {
                case PARALLEL -> target.run(merged, Optional.of(ParallelSources.weights(runner.store(), merged)));
                case SEQUENCE -> merged.sources().forEach(source -> target.run(source, Optional.empty()));
            }
            opening.done();
        }
        return target;
    }

    private void run(LayerNode layer, Optional<LayerWeights> weights) {
        Halves halves = new Halves();
        try {
            runner.run(List.of(new LayerRunner.Step(layer, weights, _ -> {
            }, halves)), chunks.chunks());
        } finally {
            close();
            between = Arrays.asList(halves.between);
            after = halves.after();
        }
    }

    /** The states before the next source. */
    private List<State> here() {
        return after.isEmpty() ? before : after;
    }

    /** A source on its way, or all of them as one layer. */
    private final class Halves extends ForwardPass {
        private final State[] between = new State[chunks.size()];

        Halves() {
            super(states, here(), false);
        }

        @Override
        public LayerObserver observer(int chunk) {
            return new LayerObserver() {
                @Override
                public void attentionOutput(Tensor x) {
                }

                @Override
                public void afterAttention(Tensor hidden) {
                    between[chunk] = states.put(afterAllAttention(chunk, hidden));
                }

                @Override
                public void feedForwardChannels(Tensor x) {
                }
            };
        }
    }

    /** Adds what the attention of a source adds to what those before it have added. */
    private Tensor afterAllAttention(int chunk, Tensor hidden) {
        if (between.isEmpty()) {
            return hidden.clone();
        }
        Tensor added = hidden.to(ScalarType.Float).sub(states.get(here().get(chunk)));
        return states.get(between.get(chunk)).to(ScalarType.Float).add(added).to(hidden.scalar_type());
    }

    @Override
    public List<State> after(int layers) {
        return after;
    }

    @Override
    public Optional<List<State>> betweenHalves() {
        return Optional.of(between);
    }

    @Override
    public void close() {
        Stream.concat(between.stream(), after.stream()).filter(Objects::nonNull).forEach(states::free);
    }
}
