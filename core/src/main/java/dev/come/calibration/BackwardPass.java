package dev.come.calibration;

import dev.come.FailedException;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.calibration.Calibration.Salience;
import dev.come.failure.Shortage;
import dev.come.memory.NativeMemory;
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
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
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

    /** What {@link #products} will advance progress by. */
    long runs(int layers) {
        return chunks.size() * (LAYER_RUNS * layers + HEAD_RUNS * runner.headRuns());
    }

    /**
     * The row sums of |weight x gradient| of each layer.
     *
     * @param path the traces of the stack
     */
    List<Salience> products(LayerStack stack, List<Trace> path, GradientOrder order) {
        State[] gradients = new State[chunks.size()];
        List<Salience> products = new ArrayList<>();
        try {
            runner.workers().freeBuffers(); // of the forward pass
            runner.workers().forEach(chunks.size(), (index, workspace) -> {
                Chunk chunk = chunks.get(index);
                Tensor last = states.get(path.getLast().states().get(index));
                gradients[index] = states
                        .put(runner.crossEntropy().lossGradient(last, chunk.tokens(), chunk.layout(), workspace));
                runner.advance(HEAD_RUNS * runner.headRuns());
            });
            runner.workers().freeBuffers(); // of the logits
            for (int position = stack.size() - 1; position >= 0; position--) {
                try (var _ = new PointerScope()) {
                    products.add(products(stack.get(position), path.get(position), gradients, order));
                }
                NativeMemory.giveBackFreed(); // a graph is made of fresh tensors
            }
        } finally {
            Arrays.stream(gradients).filter(Objects::nonNull).forEach(states::free);
        }
        Collections.reverse(products);
        return products;
    }

    /** One layer; the gradients of the states after it become those of the states before it. */
    private Salience products(LayerNode node, Trace before, State[] gradients, GradientOrder order) {
        LayerWeights weights = store.materialise(node)
                .map((_, tensor) -> tensor.to(compute.torchDevice(), ScalarType.Float));
        Accumulation accumulation = switch (order) {
            case SUM_FIRST -> new SumFirst(weights);
            case ABS_FIRST -> new AbsFirst(weights);
            case NEVER_ZEROED -> new NeverZeroed(weights);
        };
        InTurn turns = new InTurn();
        runner.workers().forEach(chunks.size(), turns, (index, _) -> Shortage.named(
                () -> "The gradients of layer " + node.tree() + " on " + chunks.get(index).tokens().length + " tokens",
                () -> {
                    Tensor hidden = states.get(before.states().get(index));
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
        return accumulation.result();
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
    private interface Accumulation {
        void add(Chunk chunk, Gradients gradients, int turn, InTurn turns);

        Salience result();
    }

    /** Sums of gradients, {@code |weight x sum|} in the end. */
    private static final class SumFirst implements Accumulation {
        private final LayerWeights weights;
        private final Map<Part, Tensor> sums;

        SumFirst(LayerWeights weights) {
            this.weights = weights;
            this.sums = zeros(weights);
        }

        @Override
        public void add(Chunk chunk, Gradients gradients, int turn, InTurn turns) {
            Map<Part, Tensor> found = gradients.of(chunk.layout(), 0);
            turns.take(turn, () -> sums.forEach((part, sum) -> sum.add_(found.get(part))));
        }

        @Override
        public Salience result() {
            return new Salience(Saliences.products(weights, sums));
        }
    }

    /** Sums of {@code |weight x gradient|} of each sequence. */
    private static final class AbsFirst implements Accumulation {
        private final LayerWeights weights;
        private final Map<Part, double[]> sums = new EnumMap<>(Part.class);

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
            turns.take(turn, () -> addTo(sums, own));
        }

        @Override
        public Salience result() {
            return new Salience(sums);
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
        public Salience result() {
            return new Salience(sums);
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
