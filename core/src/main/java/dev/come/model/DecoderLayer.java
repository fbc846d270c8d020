package dev.come.model;

import java.util.EnumMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * One decoder layer made for speed: no gradients, next to no allocations, what multiplies the same input fused into one
 * matrix, and everything but attention done in blocks of rows whose temporaries stay in the cache of the processor.
 * {@link PlainLayer} is the same in the plainest operations.
 *
 * <p>A layer may be used by several threads at once, each with its own {@link Workspace}.
 */
public final class DecoderLayer implements AutoCloseable {
    private static final int ROWS = 512;

    private final ModelConfig config;
    private final ScalarType type;
    private final Activation activation;
    private final CausalAttention attention;
    private final Map<Part, Tensor> weights = new EnumMap<>(Part.class);
    private final Tensor queryKeyValue;
    private final @Nullable Tensor queryKeyValueBias;
    private final Tensor gateUp;
    private final @Nullable Tensor gateUpBias;

    /**
     * Takes the weights into the compute type and device.
     *
     * @param stored the tensors of the layer as {@link ModelConfig#parts} lists them, in any floating type; where a copy
     *        can be avoided they are shared and must outlive the layer
     */
    public DecoderLayer(ModelConfig config, LayerWeights stored, Compute compute) {
        this.config = config;
        this.type = compute.scalarType();
        this.activation = Activation.named(config.activation());
        this.attention = new CausalAttention(config, compute);
        try (var _ = new PointerScope()) {
            stored.asMap().forEach((part, tensor) -> weights.put(part, tensor.to(compute.torchDevice(),
                    part.axis() == Part.Axis.NONE ? ScalarType.Float : type)));
            queryKeyValue = fuse(Part.QUERY, Part.KEY, Part.VALUE);
            gateUp = fuse(Part.GATE, Part.UP);
            queryKeyValueBias = config.attentionBias() ? fuse(Part.QUERY_BIAS, Part.KEY_BIAS, Part.VALUE_BIAS) : null;
            gateUpBias = config.mlpBias() ? fuse(Part.GATE_BIAS, Part.UP_BIAS) : null;
            weights.values().forEach(Tensor::retainReference);
        }
    }

    /**
     * Runs the layer in place.
     *
     * @param hidden {@code (tokens, hidden)}, compute type, contiguous: the residual stream before, and then after, the
     *        layer
     * @param layout the sequences that the tokens form
     * @param rotation the rotary angles of the model
     * @param cache keys and values of the tokens before, to which those of these tokens are added; or null
     */
    public void forward(Tensor hidden, TokenLayout layout, Rotation rotation, Workspace workspace,
            LayerObserver observer, KeyValueCache.@Nullable Layer cache) {
        try (var _ = new PointerScope()) {
            attend(hidden, layout, rotation, workspace, observer, cache);
            feedForward(hidden, workspace, observer);
        }
    }

    private void attend(Tensor hidden, TokenLayout layout, Rotation rotation, Workspace workspace,
            LayerObserver observer, KeyValueCache.@Nullable Layer cache) {
        long tokens = hidden.size(0);
        long heads = config.keyValueHeads();
        long group = config.groupSize();
        long dim = config.headDim();
        int past = layout.firstPosition();
        Tensor queries = workspace.floats("queries", heads, tokens, group, dim);
        Tensor keys = cache == null ? workspace.floats("keys", heads, tokens, dim) : cache.keys();
        Tensor values = cache == null ? workspace.floats("values", heads, tokens, dim) : cache.values();
        Rotation.Angles angles = rotation.angles(layout);

        for (long start = 0; start < tokens; start += ROWS) {
            try (var _ = new PointerScope()) {
                long rows = Math.min(ROWS, tokens - start);
                Tensor normed = norm(hidden.narrow(0, start, rows), Part.INPUT_NORM, workspace);
                Tensor product = workspace.tensor("queryKeyValue", type, rows, queryKeyValue.size(0));
                multiply(normed, queryKeyValue, queryKeyValueBias, product);
                Tensor wide = float32(product, "wideQueryKeyValue", workspace);
                Tensor cos = angles.cos().narrow(0, start, rows).view(rows, 1, 1, dim / 2);
                Tensor sin = angles.sin().narrow(0, start, rows).view(rows, 1, 1, dim / 2);
                long queryChannels = heads * group * dim;
                long keyChannels = heads * dim;
                rotate(wide.narrow(1, 0, queryChannels), queries.narrow(1, start, rows), cos, sin, group);
                rotate(wide.narrow(1, queryChannels, keyChannels), keys.narrow(1, past + start, rows).unsqueeze(2),
                        cos, sin, 1);
                values.narrow(1, past + start, rows).transpose(0, 1)
                        .copy_(wide.narrow(1, queryChannels + keyChannels, keyChannels).view(rows, heads, dim));
            }
        }
        queries.mul_(new Scalar(1 / Math.sqrt(config.headDim())));

        Tensor mixed = workspace.tensor("attention", type, tokens, heads * group * dim);
        Tensor byHead = mixed.view(tokens, heads, group, dim);
        int[] starts = layout.starts();
        for (int i = 0; i < starts.length; i++) {
            try (var _ = new PointerScope()) {
                int length = layout.lengths()[i];
                attention.attend(queries.narrow(1, starts[i], length), seen(keys, "branchKeys", layout, i, workspace),
                        seen(values, "branchValues", layout, i, workspace), byHead.narrow(0, starts[i], length),
                        workspace);
            }
        }
        observer.attentionOutput(mixed);
        addProduct(hidden, mixed, Part.OUTPUT, Part.OUTPUT_BIAS);
    }

    /** The keys or values that a sequence sees: those in the cache, or of what it goes on from, and its own. */
    private Tensor seen(Tensor all, String buffer, TokenLayout layout, int sequence, Workspace workspace) {
        int[] starts = layout.starts();
        int[] lengths = layout.lengths();
        if (layout.parents()[sequence] == TokenLayout.ROOT) {
            return all.narrow(1, starts[sequence], layout.firstPosition() + lengths[sequence]);
        }
        int end = layout.firstPosition(sequence) + lengths[sequence];
        Tensor together = workspace.floats(buffer, config.keyValueHeads(), end, config.headDim());
        for (int part = sequence; part != TokenLayout.ROOT; part = layout.parents()[part]) {
            end -= lengths[part];
            together.narrow(1, end, lengths[part]).copy_(all.narrow(1, starts[part], lengths[part]));
        }
        return together;
    }

    private void feedForward(Tensor hidden, Workspace workspace, LayerObserver observer) {
        long tokens = hidden.size(0);
        long channels = config.intermediateSize();
        for (long start = 0; start < tokens; start += ROWS) {
            try (var _ = new PointerScope()) {
                Tensor rows = hidden.narrow(0, start, Math.min(ROWS, tokens - start));
                Tensor normed = norm(rows, Part.POST_ATTENTION_NORM, workspace);
                Tensor product = workspace.tensor("gateUp", type, rows.size(0), 2 * channels);
                multiply(normed, gateUp, gateUpBias, product);
                Tensor gate = product.narrow(1, 0, channels);
                activation.inPlace(gate);
                gate.mul_(product.narrow(1, channels, channels));
                observer.feedForwardChannels(gate);
                addProduct(rows, gate, Part.DOWN, Part.DOWN_BIAS);
            }
        }
    }

    /**
     * Rotates heads and lays them out head by head.
     *
     * @param from {@code (rows, heads * group * headDim)}
     * @param to {@code (heads, rows, group, headDim)}
     */
    private void rotate(Tensor from, Tensor to, Tensor cos, Tensor sin, long group) {
        long rows = from.size(0);
        long heads = config.keyValueHeads();
        long half = config.headDim() / 2;
        Tensor source = from.view(rows, heads, group, 2, half);
        Tensor target = to.transpose(0, 1);
        Tensor left = source.select(3, 0);
        Tensor right = source.select(3, 1);
        Tensor rotatedLeft = target.narrow(3, 0, half);
        Tensor rotatedRight = target.narrow(3, half, half);
        torch.mul_out(rotatedLeft, left, cos);
        rotatedLeft.addcmul_(right, sin, new Scalar(-1.0));
        torch.mul_out(rotatedRight, right, cos);
        rotatedRight.addcmul_(left, sin);
    }

    /** The root mean square norm, computed in float32, in the compute type. */
    private Tensor norm(Tensor rows, Part part, Workspace workspace) {
        Tensor result = RmsNorm.of(rows, weight(part), config.normEpsilon(), workspace);
        if (type == ScalarType.Float) {
            return result;
        }
        return workspace.tensor("normed", type, rows.size(0), rows.size(1)).copy_(result);
    }

    private Tensor float32(Tensor x, String buffer, Workspace workspace) {
        return type == ScalarType.Float ? x : workspace.floats(buffer, x.size(0), x.size(1)).copy_(x);
    }

    private static void multiply(Tensor x, Tensor matrix, @Nullable Tensor bias, Tensor result) {
        if (bias == null) {
            torch.mm_out(result, x, matrix.t());
        } else {
            torch.addmm_out(result, bias, x, matrix.t());
        }
    }

    private void addProduct(Tensor hidden, Tensor x, Part matrix, Part bias) {
        hidden.addmm_(x, weight(matrix).t());
        Tensor addend = weights.get(bias);
        if (addend != null) {
            hidden.add_(addend);
        }
    }

    private Tensor weight(Part part) {
        Tensor weight = weights.get(part);
        if (weight == null) {
            throw new IllegalArgumentException("the layer has no " + part);
        }
        return weight;
    }

    /** One matrix for what multiplies the same input; the parts go. */
    private Tensor fuse(Part... parts) {
        TensorVector pieces = new TensorVector();
        for (Part part : parts) {
            pieces.push_back(weight(part));
            weights.remove(part);
        }
        Tensor fused = torch.cat(pieces, 0);
        fused.retainReference();
        return fused;
    }

    @Override
    public void close() {
        weights.values().forEach(Tensor::releaseReference);
        weights.clear();
        queryKeyValue.releaseReference();
        gateUp.releaseReference();
        if (queryKeyValueBias != null) {
            queryKeyValueBias.releaseReference();
        }
        if (gateUpBias != null) {
            gateUpBias.releaseReference();
        }
        attention.close();
    }
}
