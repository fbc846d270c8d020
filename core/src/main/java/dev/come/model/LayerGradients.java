package dev.come.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of one layer, which is run again with gradients on from the states before it. So only the graph of one
 * layer on one chunk of tokens is in memory. The feed-forward half goes in blocks of rows, so that of it only the graph
 * of a block is. Safe for use by several threads.
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
            for (long row = 0; row < layout.tokens(); row += ROWS) {
                try (var _ = new PointerScope()) {
                    long rows = Math.min(ROWS, layout.tokens() - row);
                    Tensor block = attended.narrow(0, row, rows).detach().set_requires_grad(beyond);
                    Tensor output = layer.feedForward(leaves, block, block);
                    addGradients(output, beyond ? block : null, leaves, parts(sums, true),
                            after.of(output.detach(), row), afterAttention.narrow(0, row, rows), sums);
                }
            }
            if (beyond) {
                addGradients(attended, inputGradient == null ? null : input, leaves, attention, afterAttention,
                        inputGradient, sums);
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
