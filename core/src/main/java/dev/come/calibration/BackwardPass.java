package dev.come.calibration;

import dev.come.FailedException;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import dev.come.memory.NativeMemory;
import dev.come.memory.Retained;
import dev.come.model.Compute;
import dev.come.model.InTurn;
import dev.come.model.LayerGradients;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.TokenLayout;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Gradients of the loss from the last layer to the first. A layer is run again from its cached states with gradients on, so
 * that only the graph of one layer on one chunk for each thread is in memory. Everything is float32.
 */
final class BackwardPass {
    /** A layer forward, and backward for its states and its weights, in runs of a layer. */
    private static final long LAYER_RUNS = 3;
    /** The logits twice, and the gradients of the states, in runs of the output projection. */
    private static final long HEAD_RUNS = 3;

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

    /** By what the gradients of all layers advance progress. */
    static long runs(int layers, int chunks, long headRuns) {
        return chunks * (LAYER_RUNS * layers + HEAD_RUNS * headRuns);
    }

    /**
     * Begins after the last layer.
     *
     * @param last the states there, by chunk
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
     * @param before the states before it, by chunk
     * @param gradients of the states after it; they become those of the states before it
     * @return closed by the caller
     */
    GradientSums through(LayerNode node, List<State> before, State[] gradients, GradientOrder order) {
        try (var _ = new PointerScope()) {
            return backward(node, before, gradients, order);
        } finally {
            NativeMemory.giveBackFreed(); // a graph is made of fresh tensors
        }
    }

    private GradientSums backward(LayerNode node, List<State> before, State[] gradients, GradientOrder order) {
        LayerWeights weights = store.materialise(node)
                .map((_, tensor) -> tensor.to(compute.torchDevice(), ScalarType.Float));
        Accumulation accumulation = switch (order) {
            case SUM_FIRST -> new SumFirst(weights, new ChunkGroups(chunks));
            case ABS_FIRST -> new AbsFirst(weights);
            case NEVER_ZEROED -> new NeverZeroed(weights);
        };
        try (accumulation) {
            add(node, weights, before, gradients, accumulation);
            return accumulation.result();
        }
    }

    private void add(LayerNode node, LayerWeights weights, List<State> before, State[] gradients,
            Accumulation accumulation) {
        InTurn turns = new InTurn();
        runner.workers().forEach(chunks.size(), turns, (index, _) -> Shortage.named(
                () -> "The gradients of layer " + node.tree() + " on " + chunks.get(index).tokens().length + " tokens",
                () -> {
                    Tensor hidden = states.get(before.get(index));
                    Tensor after = states.get(gradients[index]);
                    Tensor gradient = torch.empty_like(hidden);
                    accumulation.add(chunks.get(index),
                            (layout, start) -> backward(weights, hidden, after, gradient, layout, start), index, turns);
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

    /** The gradients of a layer's weights on some sequences of a chunk; those of its states go into {@code gradient}. */
    private Map<Part, Tensor> backward(LayerWeights weights, Tensor hidden, Tensor after, Tensor gradient,
            TokenLayout layout, int start) {
        Map<Part, Tensor> gradients = zeros(weights);
        layer.backward(weights, hidden.narrow(0, start, layout.tokens()), layout,
                (output, row) -> after.narrow(0, start + row, output.size(0)),
                gradient.narrow(0, start, layout.tokens()), gradients);
        return gradients;
    }

    /** The gradients of the weights on some sequences of the chunk at hand. */
    private interface Gradients {
        Map<Part, Tensor> of(TokenLayout layout, int start);
    }

    /** How the gradients of all sequences come together. */
    private interface Accumulation extends AutoCloseable {
        void add(Chunk chunk, Gradients gradients, int turn, InTurn turns);

        GradientSums result();

        @Override
        default void close() {
        }
    }

    /** Sums of gradients, of a group of chunks and then of groups; {@code |weight x sum|} in the end. */
    private static final class SumFirst implements Accumulation {
        private final ChunkGroups groups;
        private final Map<Part, Tensor> sums;
        /** Of a group that is not the first. */
        private final Map<Part, Retained<Tensor>> group = new EnumMap<>(Part.class);
        private boolean isFirst = true;

        SumFirst(LayerWeights weights, ChunkGroups groups) {
            this.groups = groups;
            this.sums = zeros(weights);
        }

        @Override
        public void add(Chunk chunk, Gradients gradients, int turn, InTurn turns) {
            Map<Part, Tensor> found = gradients.of(chunk.layout(), 0);
            turns.take(turn, () -> {
                found.forEach(this::add);
                if (groups.endWith(turn)) {
                    end();
                }
            });
        }

        private void add(Part part, Tensor gradient) {
            if (isFirst) {
                Objects.requireNonNull(sums.get(part)).add_(gradient);
            } else if (group.containsKey(part)) {
                Objects.requireNonNull(group.get(part)).borrow().add_(gradient);
            } else {
                group.put(part, Retained.of(gradient));
            }
        }

        private void end() {
            isFirst = false;
            group.forEach((part, sum) -> Objects.requireNonNull(sums.get(part)).add_(sum.borrow()));
            close();
        }

        @Override
        public GradientSums result() {
            end();
            return GradientSums.of(sums);
        }

        @Override
        public void close() {
            Retained.close(group.values());
            group.clear();
        }
    }

    /** Sums of {@code |weight x gradient|} of each sequence. */
    private static final class AbsFirst implements Accumulation {
        private final LayerWeights weights;
        private final List<Map<Part, double[]>> chunks = new ArrayList<>();

        AbsFirst(LayerWeights weights) {
            this.weights = weights;
        }

        @Override
        public void add(Chunk chunk, Gradients gradients, int turn, InTurn turns) {
            Map<Part, double[]> own = new EnumMap<>(Part.class);
            chunk.forEachSequence((_, start, length) -> {
                try (var _ = new PointerScope()) {
                    addTo(own, Saliences.products(weights, gradients.of(TokenLayout.of(length), start)));
                }
            });
            turns.take(turn, () -> chunks.add(own));
        }

        @Override
        public GradientSums result() {
            return GradientSums.of(chunks);
        }
    }

    /** As {@link AbsFirst}, but with the sum of the gradients so far; one sequence after the other. */
    private static final class NeverZeroed implements Accumulation {
        private final LayerWeights weights;
        private final Map<Part, Tensor> soFar;
        private final Map<Part, double[]> sums = new EnumMap<>(Part.class);

        NeverZeroed(LayerWeights weights) {
            this.weights = weights;
            this.soFar = zeros(weights);
        }

        @Override
        public void add(Chunk chunk, Gradients gradients, int turn, InTurn turns) {
            turns.take(turn, () -> chunk.forEachSequence((_, start, length) -> {
                try (var _ = new PointerScope()) {
                    Map<Part, Tensor> found = gradients.of(TokenLayout.of(length), start);
                    soFar.forEach((part, sum) -> sum.add_(found.get(part)));
                    addTo(sums, Saliences.products(weights, soFar));
                }
            }));
        }

        @Override
        public GradientSums result() {
            return GradientSums.of(List.of(sums));
        }
    }

    private static Map<Part, Tensor> zeros(LayerWeights weights) {
        Map<Part, Tensor> zeros = new EnumMap<>(Part.class);
        weights.asMap().forEach((part, tensor) -> zeros.put(part, torch.zeros_like(tensor)));
        return zeros;
    }

    private static void addTo(Map<Part, double[]> sums, Map<Part, double[]> more) {
        more.forEach((part, values) -> sums.merge(part, values, ChannelSums::sums));
    }
}
