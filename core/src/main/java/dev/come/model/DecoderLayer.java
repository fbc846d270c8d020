package dev.come.model;

import dev.come.failure.Opening;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * One decoder layer made for speed, without gradients and with next to no allocations. Weights that multiply the same
 * input are fused into one matrix, and everything but attention is done in blocks of rows whose temporaries stay in the
 * cache of the processor. {@link PlainLayer} is the same in the plainest operations.
 *
 * <p>A layer may be used by several threads at once, each with its own {@link Workspace}.
 */
public final class DecoderLayer implements AutoCloseable {
    private final ModelConfig config;
    private final ScalarType type;
    private final Activation activation;
    private final AttentionKind kind;
    private final CausalAttention attention;
    private final LayerNorms norms;
    private final Linear queryKeyValue;
    private final Linear output;
    private final Linear gateUp;
    private final Linear down;

    /**
     * Takes the weights into the compute type and device.
     *
     * @param stored the tensors of the layer as {@link ModelConfig#parts} lists them, in any floating type; where a copy
     *        can be avoided they are shared and must outlive the layer
     */
    public DecoderLayer(ModelConfig config, LayerWeights stored, Compute compute) {
        this(config, stored, compute, Linear::of);
    }

    /** As a layer that stays in memory, and is run for a few tokens again and again. */
    static DecoderLayer thatStays(ModelConfig config, LayerWeights stored, Compute compute) {
        return new DecoderLayer(config, stored, compute, (matrix, bias) -> Linear.packed(matrix, bias, compute));
    }

    private DecoderLayer(ModelConfig config, LayerWeights stored, Compute compute,
            BiFunction<Tensor, @Nullable Tensor, Linear> linear) {
        this.config = config;
        this.type = compute.scalarType();
        this.activation = Activation.named(config.activation());
        this.kind = stored.attention();
        this.attention = new CausalAttention(config, kind.window(), compute);
        try (var _ = new PointerScope(); Opening opening = new Opening()) {
            LayerWeights weights = stored.map((part, tensor) -> taken(part, tensor, compute));
            opening.add(attention::close);
            queryKeyValue = linear.apply(together(weights, Part.QUERY, Part.KEY, Part.VALUE).orElseThrow(),
                    together(weights, Part.QUERY_BIAS, Part.KEY_BIAS, Part.VALUE_BIAS).orElse(null));
            opening.add(queryKeyValue::close);
            output = linear.apply(weights.get(Part.OUTPUT), weights.find(Part.OUTPUT_BIAS));
            opening.add(output::close);
            gateUp = linear.apply(together(weights, Part.GATE, Part.UP).orElseThrow(),
                    together(weights, Part.GATE_BIAS, Part.UP_BIAS).orElse(null));
            opening.add(gateUp::close);
            down = linear.apply(weights.get(Part.DOWN), weights.find(Part.DOWN_BIAS));
            opening.add(down::close);
            norms = new LayerNorms(config, weights, type);
            opening.done();
        }
    }

    private Tensor taken(Part part, Tensor tensor, Compute compute) {
        Tensor there = tensor.to(compute.torchDevice(), part.isOfNorm() ? ScalarType.Float : type);
        return part.isOfNorm() && !part.isBias() ? config.norm().scale(there) : there;
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
        workspace.shareRows(hidden.size(0), (_, start, rows, buffers) -> addChannels(hidden.narrow(0, start, rows),
                channels.narrow(0, start, rows), buffers));
    }

    private void goOn(Tensor hidden, Tensor mixed, Workspace workspace, LayerObserver observer) {
        workspace.shareRows(hidden.size(0), (_, start, count, buffers) -> {
            Tensor rows = hidden.narrow(0, start, count);
            add(rows, mixed.narrow(0, start, count), output, Part.ATTENTION_OUTPUT_NORM, buffers);
            norms.after(rows, Part.ATTENTION_NORM, Part.ATTENTION_NORM_BIAS, buffers);
        });
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

        workspace.shareRows(tokens, (_, start, rows, buffers) -> {
            Tensor normed = norms.before(hidden.narrow(0, start, rows), Part.ATTENTION_NORM, Part.ATTENTION_NORM_BIAS,
                    buffers);
            Tensor wide = float32(queryKeyValue.of(normed, "queryKeyValue", buffers), "wideQueryKeyValue", buffers);
            long queryChannels = heads * group * dim;
            long keyChannels = heads * dim;
            Tensor query = wide.narrow(1, 0, queryChannels);
            Tensor key = wide.narrow(1, queryChannels, keyChannels);
            norms.ofHeads(query, Part.ALL_QUERIES_NORM, Part.QUERY_NORM, buffers);
            norms.ofHeads(key, Part.ALL_KEYS_NORM, Part.KEY_NORM, buffers);
            Tensor placed = queries.narrow(1, start, rows);
            place(query, placed, angles, start, group);
            placed.mul_(new Scalar(config.multipliers().attention()));
            place(key, keys.narrow(1, start, rows).unsqueeze(2), angles, start, 1);
            values.narrow(1, start, rows).transpose(0, 1)
                    .copy_(wide.narrow(1, queryChannels + keyChannels, keyChannels).view(rows, heads, dim));
        });

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
            workspace.share(starts.length, (i, buffers) -> {
                int length = layout.lengths()[i];
                long seen = layout.firstPosition() + (long) length;
                attention.attend(queries.narrow(1, starts[i], length),
                        cache == null
                                ? seen(keys, "branchKeys", layout, i, buffers)
                                : cache.keys().select(0, i).narrow(1, 0, seen),
                        cache == null
                                ? seen(values, "branchValues", layout, i, buffers)
                                : cache.values().select(0, i).narrow(1, 0, seen),
                        byHead.narrow(0, starts[i], length), buffers);
            });
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
        long channels = config.intermediateSize();
        InTurn turns = new InTurn();
        workspace.shareRows(hidden.size(0), turns, (block, start, count, buffers) -> {
            Tensor rows = hidden.narrow(0, start, count);
            Tensor normed = norms.before(rows, Part.FEED_FORWARD_NORM, Part.FEED_FORWARD_NORM_BIAS, buffers);
            Tensor product = gateUp.of(normed, "gateUp", buffers);
            Tensor gate = product.narrow(1, 0, channels);
            activation.inPlace(gate);
            if (product.size(1) > channels) {
                gate.mul_(product.narrow(1, channels, channels));
            }
            turns.take(block, () -> observer.feedForwardChannels(gate));
            addChannels(rows, gate, buffers);
        });
    }

    private void addChannels(Tensor rows, Tensor channels, Workspace workspace) {
        add(rows, channels, down, Part.FEED_FORWARD_OUTPUT_NORM, workspace);
        norms.after(rows, Part.FEED_FORWARD_NORM, Part.FEED_FORWARD_NORM_BIAS, workspace);
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

    private Tensor float32(Tensor x, String buffer, Workspace workspace) {
        return type == ScalarType.Float ? x : workspace.floats(buffer, x.size(0), x.size(1)).copy_(x);
    }

    /** Adds to the residual stream what a half of the layer gives, normed if the layer does so. */
    private void add(Tensor hidden, Tensor x, Linear linear, Part norm, Workspace workspace) {
        Tensor ofOutput = norms.find(norm);
        Scalar multiplier = new Scalar(config.multipliers().residual());
        if (ofOutput == null) {
            linear.addTo(hidden, x, multiplier);
        } else {
            hidden.add_(config.norm().of(linear.of(x, "output", workspace), ofOutput, null, workspace), multiplier);
        }
    }

    /** One tensor of those that multiply the same input, or of their biases; none if the layer has none of them. */
    private static Optional<Tensor> together(LayerWeights weights, Part... parts) {
        Tensor[] found = Arrays.stream(parts).map(weights::find).filter(Objects::nonNull).toArray(Tensor[]::new);
        return switch (found.length) {
            case 0 -> Optional.empty();
            case 1 -> Optional.of(found[0]);
            default -> Optional.of(torch.cat(new TensorVector(found), 0));
        };
    }

    @Override
    public void close() {
        norms.close();
        List.of(queryKeyValue, output, gateUp, down).forEach(Linear::close);
        attention.close();
    }
}
