package dev.come.calibration;

import dev.come.FailedException;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import dev.come.memory.NativeMemory;
import dev.come.model.Compute;
import dev.come.model.InTurn;
import dev.come.model.LayerGradients;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Gradients of the loss from the last layer to the first, float32. A layer whose graph was not kept ({@link GradientRun}) is run again from
 * its cached states with gradients on, so that of these only the graph of one layer on one chunk for each thread is in memory.
 */
final class BackwardPass {
    /** A layer forward again, and backward for its states and its weights, in runs of a layer. */
    private static final long LAYER_RUNS = 3;
    /** The logits, and the gradients of the states, in runs of the output projection. */
    private static final long HEAD_RUNS = 2;

    private final LayerRunner runner;
    private final LayerStore store;
    private final Compute compute;
    private final TokenChunks chunks;
    private final StateStore states;
    private final LayerGradients layer;

    BackwardPass(LayerRunner runner, LayerStore store, Compute compute, TokenChunks chunks, StateStore states) {
        this.runner = runner;
        this.store = store;
        this.compute = compute;
        this.chunks = chunks;
        this.states = states;
        this.layer = new LayerGradients(store.config(), runner.rotation());
    }

    /** By what the gradients of all layers advance progress, the run forward included. */
    static long runs(int layers, int chunks, long headRuns) {
        return chunks * ((1 + LAYER_RUNS) * layers + HEAD_RUNS * headRuns);
    }

    /** Runs a stack forward; closed by the caller. */
    GradientRun forward(LayerStack stack, GradientOrder order) {
        return new GradientRun(runner, compute, chunks, states, layer, stack, order);
    }

    /**
     * Begins after the last layer.
     *
     * @param last the states there, by chunk; they are freed
     * @return the gradients of the loss for these states, by chunk; freed by the caller
     */
    State[] begin(List<State> last) {
        State[] gradients = new State[chunks.size()];
        runner.workers().freeBuffers(); // of the forward pass
        try (Opening opening = new Opening()) {
            opening.add(() -> free(gradients));
            runner.workers().forEach(chunks.size(), (index, workspace) -> {
                Chunk chunk = chunks.get(index);
                gradients[index] = states.put(runner.crossEntropy().lossGradient(states.get(last.get(index)),
                        chunk.tokens(), chunk.layout(), workspace));
                states.free(last.get(index));
                runner.advance(HEAD_RUNS * runner.headRuns());
            });
            opening.done();
        }
        runner.workers().freeBuffers(); // of the logits
        return gradients;
    }

    /** Frees gradients of states. */
    void free(State[] gradients) {
        Arrays.stream(gradients).filter(Objects::nonNull).forEach(states::free);
        Arrays.fill(gradients, null);
    }

    /**
     * One layer.
     *
     * @param run the way up to it; what was kept of the layer is freed
     * @param gradients of the states after it; they become those of the states before it
     * @return closed by the caller
     */
    GradientSums through(GradientRun run, int position, State[] gradients) {
        try (var _ = new PointerScope()) {
            return backward(run, position, gradients);
        } finally {
            NativeMemory.giveBackFreed(); // a graph is made of fresh tensors
        }
    }

    private GradientSums backward(GradientRun run, int position, State[] gradients) {
        LayerNode node = run.stack().get(position);
        try (GradientRun.Kept kept = run.take(position)) {
            LayerWeights weights = kept.weights().orElseGet(() -> store.materialise(node)
                    .map((_, tensor) -> tensor.to(compute.torchDevice(), ScalarType.Float)));
            try (GradientAccumulation accumulation = GradientAccumulation.of(run.order(), weights, chunks)) {
                add(node, weights, kept, gradients, accumulation);
                return accumulation.result();
            }
        }
    }

    private void add(LayerNode node, LayerWeights weights, GradientRun.Kept kept, State[] gradients,
            GradientAccumulation accumulation) {
        InTurn turns = new InTurn();
        runner.workers().forEach(chunks.size(), turns, (index, _) -> Shortage.named(
                () -> "The gradients of layer " + node.tree() + " on " + chunks.get(index).tokens().length + " tokens",
                () -> {
                    Tensor after = states.get(gradients[index]);
                    Tensor gradient = torch.empty_like(after);
                    accumulation.add(chunks.get(index), gradients(weights, kept, index, after, gradient), index,
                            turns);
                    states.free(gradients[index]);
                    gradients[index] = states.put(gradient);
                    if (!Double.isFinite(gradient.sum().item_double())) {
                        throw new FailedException("The gradient before layer " + node.tree()
                                + " is not finite on the sequences from " + chunks.get(index).first()
                                + " on; the model's weights are damaged or too large");
                    }
                    runner.advance(LAYER_RUNS);
                }));
    }

    /** The gradients of a layer's weights on a chunk; those of its states go into {@code gradient}. */
    private GradientAccumulation.Gradients gradients(LayerWeights weights, GradientRun.Kept kept, int index,
            Tensor after, Tensor gradient) {
        LayerGradients.Graph graph = kept.graph(index);
        if (graph != null) {
            return (_, _) -> {
                Map<Part, Tensor> sums = GradientAccumulation.zeros(weights);
                graph.backward(after, gradient, sums);
                graph.close();
                return sums;
            };
        }
        Tensor hidden = states.get(kept.before(index));
        return (layout, start) -> {
            Map<Part, Tensor> sums = GradientAccumulation.zeros(weights);
            layer.backward(weights, hidden.narrow(0, start, layout.tokens()), layout,
                    (output, row) -> after.narrow(0, start + row, output.size(0)),
                    gradient.narrow(0, start, layout.tokens()), sums);
            return sums;
        };
    }
}
