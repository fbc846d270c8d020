package dev.come.calibration;

import dev.come.failure.Opening;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStore;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The sources of a concatenated layer side by side, all of each: every one reads what the merged layer reads, and what they give
 * is added up. A concatenated layer that kept everything would give the same.
 */
final class ParallelSources {
    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final StateStore states;

    /** Runs them over chunks of tokens, whose states are kept in a store. */
    ParallelSources(LayerRunner runner, TokenChunks chunks, StateStore states) {
        this.runner = runner;
        this.chunks = chunks;
        this.states = states;
    }

    /**
     * Their weights as those of one layer with as many times the heads and channels. Each brings the biases of its output
     * projections along, so these add up.
     *
     * @return tensors of the current PointerScope
     */
    static LayerWeights weights(LayerStore store, Concatenated node) {
        ModelConfig config = store.config();
        return store.materialise(node.whole(config.keyValueHeads(), config.intermediateSize()))
                .map((part, tensor) -> part == Part.OUTPUT_BIAS || part == Part.DOWN_BIAS
                        ? sum(store, node, part)
                        : tensor);
    }

    private static Tensor sum(LayerStore store, Concatenated node, Part bias) {
        Tensor sum = torch.zeros(new long[]{store.config().hiddenSize()}, new TensorOptions(ScalarType.Double));
        node.sources().forEach(source -> {
            try (var _ = new PointerScope()) {
                sum.add_(store.materialise(source).get(bias).to(ScalarType.Double));
            }
        });
        return sum;
    }

    /**
     * The second moments of what goes into the output projections of all, and of what goes into their down projections.
     *
     * @param before the states before them, by chunk
     */
    MomentSums moments(Concatenated node, List<State> before) {
        ModelConfig config = runner.store().config();
        long count = node.sources().count();
        ChunkGroups groups = new ChunkGroups(chunks);
        try (Opening opening = new Opening()) {
            MomentsInOrder heads = new MomentsInOrder(count * config.heads() * config.headDim(), 0, 0, groups, true);
            opening.add(heads::close);
            MomentsInOrder channels = new MomentsInOrder(count * config.intermediateSize(), 0, 0, groups, true);
            opening.add(channels::close);
            try (LeveragePass pass = new LeveragePass(states, before, heads, channels)) {
                run(node, pass);
            }
            MomentSums sums = MomentSums.of(Objects.requireNonNull(heads.total()),
                    Objects.requireNonNull(channels.total()));
            opening.done();
            return sums;
        }
    }

    private void run(Concatenated node, LayerRunner.Pass pass) {
        try (var _ = new PointerScope()) {
            LayerWeights weights = weights(runner.store(), node);
            runner.run(List.of(new LayerRunner.Step(node, Optional.of(weights), _ -> {
            }, pass)), chunks.chunks());
        }
    }
}
