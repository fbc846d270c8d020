package dev.come.distill;

import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/** Runs a layer over all tokens. */
final class StatesAfter {
    private StatesAfter() {
    }

    /**
     * The states after a layer, by chunk.
     *
     * @param weights those to run it with, where the runner cannot make them of the recipe
     * @param before the states before it, by chunk, which stay
     */
    static State[] layer(LayerRunner runner, LayerNode node, Optional<LayerWeights> weights, TokenChunks chunks,
            StateStore states, State[] before) {
        State[] after = new State[chunks.size()];
        runner.run(List.of(new LayerRunner.Step(node, weights, _ -> {
        }, new LayerRunner.Pass() {
            @Override
            public Tensor before(int chunk) {
                return states.copy(before[chunk]);
            }

            @Override
            public LayerObserver observer(int chunk) {
                return LayerObserver.NONE;
            }

            @Override
            public void after(int chunk, Tensor hidden) {
                after[chunk] = states.put(hidden);
            }
        })), chunks.chunks());
        return after;
    }
}
