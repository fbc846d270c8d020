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
    private final ModelConfig config;
    private final ScalarType type;
    private final long rowsAtOnce;
    private final Activation activation;
    private final AttentionKind kind;
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
        this.rowsAtOnce = compute.rowsAtOnce();
        this.activation = Activation.named(config.activation());
        this.kind = stored.attention();
        this.attention = new CausalAttention(config, kind.window(), compute);
        try (var _ = new PointerScope()) {
            stored.asMap().forEach((part, tensor) -> weights.put(part, taken(part, tensor, compute)));
            queryKeyValue = fuse(Part.QUERY, Part.KEY, Part.VALUE);
            gateUp = config.parts().contains(Part.GATE) ? fuse(Part.GATE, Part.UP) : fuse(Part.UP);
            queryKeyValueBias = config.parts().contains(Part.QUERY_BIAS)
                    ? fuse(Part.QUERY_BIAS, Part.KEY_BIAS, Part.VALUE_BIAS)
                    : null;
            gateUpBias = config.parts().contains(Part.UP_BIAS) ? fuseUpBiases() : null;
            weights.values().forEach(Tensor::retainReference);
        }
    }

    private Tensor taken(Part part, Tensor tensor, Compute compute) {
        Tensor there = tensor.to(compute.torchDevice(), part.isOfNorm() ? ScalarType.Float : type);
        return part.isOfNorm() && !part.isBias() ? config.norm().scale(there) : there;
    }

    private Tensor fuseUpBiases() {
        return config.parts().contains(Part.GATE_BIAS) ? fuse(Part.GATE_BIAS, Part.UP_BIAS) : fuse(Part.UP_BIAS);
    }

    /**
     * Runs the layer in place.
     *
     * @param hidden {@code (tokens, hidden)}, compute type, contiguous: the residual stream before, and then after, the
     *        layer
     * @param layout the sequences that the tokens form
     * @param rotation the rotary angles of the model
     * @param cache keys and values of the tokens before, to which those of these tokens are added, sequence by sequence; or
     *        null
     */
    public void forward(Tensor hidden, TokenLayout layout, Rotation rotation, Workspace workspace,
            LayerObserver observer, KeyValueCache.@Nullable Layer cache) {
        try (var _ = new PointerScope()) {
            Tensor mixed = attend(hidden, layout, rotation, workspace, observer, cache);
            goOn(hidden, mixed, workspace, observer);
        }
    }

    /**
     * Runs the layer in place from the output projection of attention on; to the bit what {@link #forward} does.
     *
     * @param hidden {@code (tokens, hidden)}: the residual stream before, and then after, the layer
     * @param mixed {@code (tokens, heads * headDim)}: what the observer saw of attention
     * @param observer sees what comes after attention
     */
    public void forwardFromHeads(Tensor hidden, Tensor mixed, Workspace workspace, LayerObserver observer) {
        try (var _ = new PointerScope()) {
            goOn(hidden, mixed, workspace, observer);
        }
    }

    /**
     * Runs the layer in place from the down projection on; to the bit what {@link #forward} does.
     *
     * @param hidden {@code (tokens, hidden)}: the residual stream between the halves, and then after the layer
     * @param channels {@code (tokens, intermediate)}: what the observer saw of feed-forward
     */
    public void forwardFromChannels(Tensor hidden, Tensor channels, Workspace workspace) {
        long tokens = hidden.size(0);
        for (long start = 0; start < tokens; start += rowsAtOnce) {
            try (var _ = new PointerScope()) {
                long rows = Math.min(rowsAtOnce, tokens - start);
                addChannels(hidden.narrow(0, start, rows), channels.narrow(0, start, rows), workspace);
            }
        }
    }

    private void goOn(Tensor hidden, Tensor mixed, Workspace workspace, LayerObserver observer) {
        addProduct(hidden, mixed, Part.OUTPUT, Part.OUTPUT_BIAS, Part.ATTENTION_OUTPUT_NORM, workspace);
        normAfter(hidden, Part.ATTENTION_NORM, Part.ATTENTION_NORM_BIAS, workspace);
        observer.afterAttention(hidden);
        feedForward(hidden, workspace, observer);
    }

    /** What all heads give, side by side, {@code (tokens, heads * headDim)}. */
    private Tensor attend(Tensor hidden, TokenLayout layout, Rotation rotation, Workspace workspace,
            LayerObserver observer, KeyValueCache.@Nullable Layer cache) {
        long tokens = hidden.size(0);
        long heads = config.keyValueHeads();
        long group = config.groupSize();
        long dim = config.headDim();
        KeyValueCache.@Nullable Layer ofOneToken = tokens == layout.lengths().length ? cache : null;
        Tensor queries = workspace.floats("queries", heads, tokens, group, dim);
        Tensor keys = ofOneToken == null
                ? workspace.floats("keys", heads, tokens, dim)
                : next(ofOneToken.keys(), layout);
        Tensor values = ofOneToken == null
                ? workspace.floats("values", heads, tokens, dim)
                : next(ofOneToken.values(), layout);
        Rotation.@Nullable Angles angles = kind.rotary().map(rotary -> rotation.angles(rotary, layout)).orElse(null);

        for (long start = 0; start < tokens; start += rowsAtOnce) {
            try (var _ = new PointerScope()) {
                long rows = Math.min(rowsAtOnce, tokens - start);
                Tensor normed = normBefore(hidden.narrow(0, start, rows), Part.ATTENTION_NORM,
                        Part.ATTENTION_NORM_BIAS, workspace);
                Tensor product = workspace.tensor("queryKeyValue", type, rows, queryKeyValue.size(0));
                multiply(normed, queryKeyValue, queryKeyValueBias, product);
                Tensor wide = float32(product, "wideQueryKeyValue", workspace);
                long queryChannels = heads * group * dim;
                long keyChannels = heads * dim;
                Tensor query = wide.narrow(1, 0, queryChannels);
                Tensor key = wide.narrow(1, queryChannels, keyChannels);
                normHeads(query, Part.ALL_QUERIES_NORM, Part.QUERY_NORM, workspace);
                normHeads(key, Part.ALL_KEYS_NORM, Part.KEY_NORM, workspace);
                place(query, queries.narrow(1, start, rows), angles, start, group);
                place(key, keys.narrow(1, start, rows).unsqueeze(2), angles, start, 1);
                values.narrow(1, start, rows).transpose(0, 1)
                        .copy_(wide.narrow(1, queryChannels + keyChannels, keyChannels).view(rows, heads, dim));
            }
        }
        queries.mul_(new Scalar(config.multipliers().attention()));

        Tensor mixed = workspace.tensor("attention", type, tokens, heads * group * dim);
        Tensor byHead = mixed.view(tokens, heads, group, dim);
        if (ofOneToken != null) {
            long seen = layout.firstPosition() + 1L;
            attention.attendToLast(queries, ofOneToken.keys().narrow(2, 0, seen),
                    ofOneToken.values().narrow(2, 0, seen), byHead);
        } else {
            if (cache != null) {
                remember(keys, cache.keys(), layout);
                remember(values, cache.values(), layout);
            }
            int[] starts = layout.starts();
            for (int i = 0; i < starts.length; i++) {
                try (var _ = new PointerScope()) {
                    int length = layout.lengths()[i];
                    long seen = layout.firstPosition() + (long) length;
                    attention.attend(queries.narrow(1, starts[i], length),
                            cache == null
                                    ? seen(keys, "branchKeys", layout, i, workspace)
                                    : cache.keys().select(0, i).narrow(1, 0, seen),
                            cache == null
                                    ? seen(values, "branchValues", layout, i, workspace)
                                    : cache.values().select(0, i).narrow(1, 0, seen),
                            byHead.narrow(0, starts[i], length), workspace);
                }
            }
        }
        observer.attentionOutput(mixed);
        return mixed;
    }

    /** Where in the cache the keys or values of the next token of each sequence belong, {@code (heads, sequences, headDim)}. */
    private static Tensor next(Tensor all, TokenLayout layout) {
        return all.select(2, layout.firstPosition()).transpose(0, 1);
    }

    /**
     * Puts new keys or values behind those in the cache.
     *
     * @param fresh {@code (heads, tokens, headDim)}
     * @param all {@code (sequences, heads, capacity, headDim)}
     */
    private static void remember(Tensor fresh, Tensor all, TokenLayout layout) {
        int[] starts = layout.starts();
        for (int i = 0; i < starts.length; i++) {
            int length = layout.lengths()[i];
            all.select(0, i).narrow(1, layout.firstPosition(), length).copy_(fresh.narrow(1, starts[i], length));
        }
    }

    /** The keys or values that a sequence sees: those of what it goes on from, and its own. */
    private Tensor seen(Tensor all, String buffer, TokenLayout layout, int sequence, Workspace workspace) {
        int[] starts = layout.starts();
        int[] lengths = layout.lengths();
        if (layout.parents()[sequence] == TokenLayout.ROOT) {
            return all.narrow(1, starts[sequence], lengths[sequence]);
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
        for (long start = 0; start < tokens; start += rowsAtOnce) {
            try (var _ = new PointerScope()) {
                Tensor rows = hidden.narrow(0, start, Math.min(rowsAtOnce, tokens - start));
                Tensor normed = normBefore(rows, Part.FEED_FORWARD_NORM, Part.FEED_FORWARD_NORM_BIAS, workspace);
                Tensor product = workspace.tensor("gateUp", type, rows.size(0), gateUp.size(0));
                multiply(normed, gateUp, gateUpBias, product);
                Tensor gate = product.narrow(1, 0, channels);
                activation.inPlace(gate);
                if (gateUp.size(0) > channels) {
                    gate.mul_(product.narrow(1, channels, channels));
                }
                observer.feedForwardChannels(gate);
                addChannels(rows, gate, workspace);
            }
        }
    }

    private void addChannels(Tensor rows, Tensor channels, Workspace workspace) {
        addProduct(rows, channels, Part.DOWN, Part.DOWN_BIAS, Part.FEED_FORWARD_OUTPUT_NORM, workspace);
        normAfter(rows, Part.FEED_FORWARD_NORM, Part.FEED_FORWARD_NORM_BIAS, workspace);
    }

    /** Norms queries or keys in place, all channels of a row together or each head by itself, as the layer does. */
    private void normHeads(Tensor channels, Part together, Part each, Workspace workspace) {
        long rows = channels.size(0);
        Tensor ofAll = weights.get(together);
        if (ofAll != null) {
            config.norm().inPlace(channels.view(rows, 1, channels.size(1)), ofAll, workspace);
        }
        Tensor ofEach = weights.get(each);
        if (ofEach != null) {
            config.norm().inPlace(channels.view(rows, channels.size(1) / config.headDim(), config.headDim()), ofEach,
                    workspace);
        }
    }

    /**
     * Lays heads out head by head, turned by their positions if there are angles.
     *
     * @param from {@code (rows, heads * group * headDim)}
     * @param to {@code (heads, rows, group, headDim)}
     * @param start where the rows begin in the angles
     */
    private void place(Tensor from, Tensor to, Rotation.@Nullable Angles angles, long start, long group) {
        long rows = from.size(0);
        long heads = config.keyValueHeads();
        if (angles == null) {
            to.transpose(0, 1).copy_(from.view(rows, heads, group, config.headDim()));
            return;
        }
        long half = config.headDim() / 2;
        Tensor cos = angles.cos().narrow(0, start, rows).view(rows, 1, 1, half);
        Tensor sin = angles.sin().narrow(0, start, rows).view(rows, 1, 1, half);
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

    /** What attention or feed-forward see of the residual stream, in the compute type. */
    private Tensor normBefore(Tensor rows, Part part, Part bias, Workspace workspace) {
        Tensor weight = weights.get(part);
        if (weight == null || config.normsAfter()) {
            return rows;
        }
        Tensor result = config.norm().of(rows, weight, weights.get(bias), workspace);
        if (type == ScalarType.Float) {
            return result;
        }
        return workspace.tensor("normed", type, rows.size(0), rows.size(1)).copy_(result);
    }

    /** Norms the residual stream itself, in models that do so. */
    private void normAfter(Tensor rows, Part part, Part bias, Workspace workspace) {
        if (config.normsAfter()) {
            rows.copy_(config.norm().of(rows, weight(part), weights.get(bias), workspace));
        }
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

    /** Adds to the residual stream what a half of the layer gives, normed if the layer does so. */
    private void addProduct(Tensor hidden, Tensor x, Part matrix, Part bias, Part norm, Workspace workspace) {
        Tensor addend = weights.get(bias);
        Tensor ofOutput = weights.get(norm);
        Scalar multiplier = new Scalar(config.multipliers().residual());
        if (ofOutput == null) {
            hidden.addmm_(x, weight(matrix).t(), new Scalar(1.0), multiplier);
            if (addend != null) {
                hidden.add_(addend, multiplier);
            }
            return;
        }
        Tensor output = workspace.tensor("output", type, hidden.size(0), hidden.size(1));
        multiply(x, weight(matrix), addend, output);
        hidden.add_(config.norm().of(output, ofOutput, null, workspace), multiplier);
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
