package dev.come.model;

import dev.come.failure.Opening;
import dev.come.memory.Retained;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of one layer. Either it is run again with gradients on from the states before it ({@link #backward}): then only
 * the graph of one layer on one chunk of tokens is in memory, and of its feed-forward half, which goes in blocks of rows, only that
 * of a block. Or it is run once and its graph kept ({@link #graph}), which gives the same bits. Safe for use by several
 * threads.
 */
public final class LayerGradients {
    private static final long ROWS = 512;

    private final ModelConfig config;
    private final PlainLayer layer;
    private final Rotation rotation;

    /** @param rotation float32 */
    public LayerGradients(ModelConfig config, Rotation rotation) {
        this.config = config;
        this.layer = new PlainLayer(config);
        this.rotation = rotation;
    }

    /** What the gradient of the states after the layer is. */
    @FunctionalInterface
    public interface OutputGradient {
        /**
         * The gradient of some rows.
         *
         * @param output {@code (rows, hidden)}: the states after the layer
         * @param firstRow which row of the chunk is the first of these
         * @return {@code (rows, hidden)}
         */
        Tensor of(Tensor output, long firstRow);
    }

    /**
     * The weights to go back through: matrices in the compute type, in which they are multiplied forward and backward, all else in
     * float32. Gradients of the compute type are added to float32 sums. Tensors are those of the current PointerScope, or the
     * given ones where they are so already.
     */
    public static LayerWeights weights(LayerWeights from, Compute compute) {
        return from.map((part, tensor) -> part.isMatrix() ? compute.matrix(tensor) : compute.floats(tensor));
    }

    /**
     * Goes back through the layer.
     *
     * @param weights float32, or as {@link #weights} gives them
     * @param hidden {@code (tokens, hidden)}: the states before the layer
     * @param inputGradient {@code (tokens, hidden)}: is overwritten with their gradient; null if nobody wants it
     * @param sums to these the gradients of the weights are added; a part that is not among them is taken as a constant
     */
    public void backward(LayerWeights weights, Tensor hidden, TokenLayout layout, OutputGradient after,
            @Nullable Tensor inputGradient, Map<Part, Tensor> sums) {
        try (var _ = new AutoGradMode(true)) {
            LayerWeights leaves = weights
                    .map((part, tensor) -> tensor.detach().set_requires_grad(sums.containsKey(part)));
            List<Part> attention = parts(sums, false);
            Tensor input = hidden.detach().set_requires_grad(inputGradient != null);
            if (config.sideBySide()) { // both halves read the input, so one graph has both
                Tensor output = layer.forward(leaves, input, layout, rotation);
                addGradients(output, inputGradient == null ? null : input, leaves,
                        sums.keySet().stream().sorted().toList(), after.of(output.detach(), 0), inputGradient, sums);
                return;
            }
            boolean beyond = inputGradient != null || !attention.isEmpty();
            Tensor attended = layer.attend(leaves, input, layout, rotation);
            Tensor afterAttention = torch.empty_like(attended);
            forEachBlock(layout, (row, rows) -> {
                Tensor block = attended.narrow(0, row, rows).detach().set_requires_grad(beyond);
                Tensor output = layer.feedForward(leaves, block, block);
                addGradients(output, beyond ? block : null, leaves, parts(sums, true), after.of(output.detach(), row),
                        afterAttention.narrow(0, row, rows), sums);
            });
            if (beyond) {
                addGradients(attended, inputGradient == null ? null : input, leaves, attention, afterAttention,
                        inputGradient, sums);
            }
        }
    }

    /**
     * The layer forward, in the operations of {@link #graph} and so to the same bits, but without a graph.
     *
     * @param weights float32
     * @param hidden {@code (tokens, hidden)}: the states before the layer
     * @param after {@code (tokens, hidden)}: is overwritten with the states after it
     */
    public void forward(LayerWeights weights, Tensor hidden, TokenLayout layout, Tensor after) {
        if (config.sideBySide()) {
            after.copy_(layer.forward(weights, hidden, layout, rotation));
            return;
        }
        Tensor attended = layer.attend(weights, hidden, layout, rotation);
        forEachBlock(layout, (row, rows) -> {
            Tensor block = attended.narrow(0, row, rows);
            after.narrow(0, row, rows).copy_(layer.feedForward(weights, block, block));
        });
    }

    /**
     * The same, and what the way back needs is kept.
     *
     * @param weights float32; they must outlive the graph
     * @param hidden must not be changed while there is the graph
     * @return closed by the caller
     */
    public Graph graph(LayerWeights weights, Tensor hidden, TokenLayout layout, Tensor after) {
        try (Opening opening = new Opening(); var _ = new AutoGradMode(true)) {
            Graph graph = new Graph(weights, hidden);
            opening.add(graph::close);
            graph.run(layout, after);
            opening.done();
            return graph;
        }
    }

    /** A layer that was run over some tokens, and can be gone back through once. */
    public final class Graph implements AutoCloseable {
        private final Retained.Group held = new Retained.Group();
        private final LayerWeights leaves;
        private final Tensor input;
        /** After attention; with both halves side by side, after the layer. */
        private @Nullable Tensor output;
        private final List<Block> blocks = new ArrayList<>();

        /** Some rows of the feed-forward half. */
        private record Block(long row, Tensor input, Tensor output) {}

        private Graph(LayerWeights weights, Tensor hidden) {
            leaves = weights.map((_, tensor) -> leaf(tensor));
            input = leaf(hidden);
        }

        private Tensor leaf(Tensor tensor) {
            Tensor leaf = held.keep(tensor.detach());
            leaf.set_requires_grad(true);
            return leaf;
        }

        private void run(TokenLayout layout, Tensor after) {
            if (config.sideBySide()) {
                output = held.keep(layer.forward(leaves, input, layout, rotation));
                after.copy_(output.detach());
                return;
            }
            Tensor attended = held.keep(layer.attend(leaves, input, layout, rotation));
            output = attended;
            forEachBlock(layout, (row, rows) -> {
                Tensor block = leaf(attended.narrow(0, row, rows));
                Tensor result = held.keep(layer.feedForward(leaves, block, block));
                after.narrow(0, row, rows).copy_(result.detach());
                blocks.add(new Block(row, block, result));
            });
        }

        /**
         * Goes back.
         *
         * @param after {@code (tokens, hidden)}: the gradient of the states after the layer
         * @param inputGradient {@code (tokens, hidden)}: is overwritten with that of the states before it
         * @param sums to these the gradients of the weights are added, of all of them
         */
        public void backward(Tensor after, Tensor inputGradient, Map<Part, Tensor> sums) {
            Tensor whole = Objects.requireNonNull(output);
            if (config.sideBySide()) {
                addGradients(whole, input, leaves, sums.keySet().stream().sorted().toList(), after, inputGradient,
                        sums);
                return;
            }
            Tensor afterAttention = torch.empty_like(after);
            for (Block block : blocks) {
                try (var _ = new PointerScope()) {
                    long rows = block.output.size(0);
                    addGradients(block.output, block.input, leaves, parts(sums, true),
                            after.narrow(0, block.row, rows), afterAttention.narrow(0, block.row, rows), sums);
                }
            }
            addGradients(whole, input, leaves, parts(sums, false), afterAttention, inputGradient, sums);
        }

        @Override
        public void close() {
            held.close();
        }
    }

    /**
     * About how many bytes a graph takes for each token, the states before the layer among them: what the engine keeps of float32
     * states between operations.
     *
     * @return empty where attention keeps what each token sees of each other one, which grows with the square of the length
     */
    public static OptionalLong graphBytes(ModelConfig config, AttentionKind attention, TokenLayout layout) {
        if (config.multipliers().capsAttention() || Arrays.stream(layout.lengths()).anyMatch(attention::cuts)) {
            return OptionalLong.empty();
        }
        long hidden = config.hiddenSize();
        long heads = (long) config.heads() * config.headDim();
        long channels = config.intermediateSize();
        long floats = 3 * hidden + 6 * heads + (config.parts().contains(Part.GATE) ? 4 : 3) * channels;
        for (Part part : config.parts()) {
            if (part.isOfNorm() && !part.isBias()) {
                floats += 2 * switch (part.axis()) {
                    case QUERY_ROWS, KEY_VALUE_ROWS, BY_RATIO -> heads;
                    case CHANNEL_ROWS -> channels;
                    default -> hidden;
                };
            } else if (part.isOfActivation()) {
                floats += 2 * channels;
            }
        }
        return OptionalLong.of(floats * Float.BYTES);
    }

    /** Some rows of a chunk. */
    private interface RowBlock {
        void visit(long row, long rows);
    }

    private static void forEachBlock(TokenLayout layout, RowBlock visitor) {
        for (long row = 0; row < layout.tokens(); row += ROWS) {
            try (var _ = new PointerScope()) {
                visitor.visit(row, Math.min(ROWS, layout.tokens() - row));
            }
        }
    }

    private static List<Part> parts(Map<Part, Tensor> sums, boolean feedForward) {
        return sums.keySet().stream().filter(part -> part.isFeedForward() == feedForward).sorted().toList();
    }

    /** Goes back from an output to the input, whose gradient is written, and to the weights, whose gradients are added. */
    private static void addGradients(Tensor output, @Nullable Tensor input, LayerWeights leaves, List<Part> parts,
            Tensor outputGradient, @Nullable Tensor inputGradient, Map<Part, Tensor> sums) {
        List<Tensor> wanted = new ArrayList<>();
        if (input != null) {
            wanted.add(input);
        }
        parts.forEach(part -> wanted.add(leaves.get(part)));
        if (wanted.isEmpty()) {
            return;
        }
        TensorVector found = torch.grad(new TensorVector(output), new TensorVector(wanted.toArray(Tensor[]::new)),
                new TensorVector(outputGradient), null, false, false);
        try (var _ = new NoGradGuard()) {
            int next = 0;
            if (input != null) {
                Objects.requireNonNull(inputGradient).copy_(found.get(next++));
            }
            for (Part part : parts) {
                Objects.requireNonNull(sums.get(part)).add_(found.get(next++));
            }
        }
    }
}
