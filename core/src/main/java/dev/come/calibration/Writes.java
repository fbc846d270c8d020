package dev.come.calibration;

import dev.come.failure.Opening;
import dev.come.memory.Retained;
import dev.come.model.LayerObserver;
import dev.come.model.ModelConfig;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What a layer writes to the residual stream from, on some tokens.
 *
 * @param heads {@code (tokens, heads * headDim)}, float32: what goes into the output projection of attention
 * @param channels {@code (tokens, intermediate)}, float32: what goes into the down projection
 */
record Writes(Retained<Tensor> heads, Retained<Tensor> channels) implements AutoCloseable {
    /**
     * Runs a layer.
     *
     * @param sample the tokens
     * @param before the states before it, by chunk
     */
    static Writes of(LayerNode node, SampledRows sample, List<State> before, LayerRunner runner, StateStore states,
            TokenChunks chunks) {
        ModelConfig config = runner.store().config();
        try (Opening opening = new Opening(); var _ = new PointerScope()) {
            TensorOptions options = states.get(before.getFirst()).to(ScalarType.Float).options();
            Writes writes = new Writes(
                    empty(sample.count(), (long) config.heads() * config.headDim(), options),
                    empty(sample.count(), config.intermediateSize(), options));
            opening.add(writes::close);
            runner.run(List.of(new LayerRunner.Step(node, _ -> {
            }, writes.new Watching(states, before, sample))), chunks.chunks());
            opening.done();
            return writes;
        }
    }

    private static Retained<Tensor> empty(long rows, long width, TensorOptions options) {
        return Retained.of(torch.empty(new long[]{rows, width}, options, new MemoryFormatOptional()));
    }

    @Override
    public void close() {
        heads.close();
        channels.close();
    }

    /** The layer on its way over the chunks. */
    private final class Watching extends ForwardPass {
        private final SampledRows sample;

        Watching(StateStore states, List<State> before, SampledRows sample) {
            super(states, before, false);
            this.sample = sample;
        }

        @Override
        public LayerObserver observer(int chunk) {
            return new LayerObserver() {
                private long seen;

                @Override
                public void attentionOutput(Tensor x) {
                    sample.keep(chunk, x, 0, heads.borrow());
                }

                @Override
                public void feedForwardChannels(Tensor x) {
                    sample.keep(chunk, x, seen, channels.borrow());
                    seen += x.size(0);
                }
            };
        }

        @Override
        public void after(int chunk, Tensor hidden) {
            // The trace has these states.
        }
    }
}
