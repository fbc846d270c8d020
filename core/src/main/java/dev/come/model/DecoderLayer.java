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
    private final FeedForwardActivation activation;
    private final LayerAttention attention;
    private final LayerNorms norms;
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
        try (var _ = new PointerScope(); Opening opening = new Opening()) {
            LayerWeights weights = stored.map((part, tensor) -> taken(part, tensor, compute));
            activation = FeedForwardActivation.of(config, weights);
            norms = new LayerNorms(config, weights, type);
            opening.add(norms::close);
            Linear queryKeyValue = linear.apply(together(weights, Part.QUERY, Part.KEY, Part.VALUE).orElseThrow(),
                    together(weights, Part.QUERY_BIAS, Part.KEY_BIAS, Part.VALUE_BIAS).orElse(null));
            opening.add(queryKeyValue::close);
            AttentionKind kind = stored.attention();
            CausalAttention causal = new CausalAttention(config, kind.window(), weights.find(Part.ATTENTION_SINKS),
                    compute);
            opening.add(causal::close);
            attention = new LayerAttention(config, type, kind, norms, queryKeyValue, causal);
            output = linear.apply(weights.get(Part.OUTPUT), weights.find(Part.OUTPUT_BIAS));
            opening.add(output::close);
            gateUp = linear.apply(together(weights, Part.GATE, Part.UP).orElseThrow(),
                    together(weights, Part.GATE_BIAS, Part.UP_BIAS).orElse(null));
            opening.add(gateUp::close);
            down = linear.apply(weights.get(Part.DOWN), weights.find(Part.DOWN_BIAS));
            opening.add(down::close);
            opening.done();
        }
    }

    private Tensor taken(Part part, Tensor tensor, Compute compute) {
        Tensor there = tensor.to(compute.torchDevice(),
                part.isAlwaysFloat32() ? ScalarType.Float : type);
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
            Tensor mixed = attention.attend(hidden, layout, rotation, workspace, cache);
            observer.attentionOutput(mixed);
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
        Tensor seen = config.sideBySide()
                ? workspace.tensor("seenByBoth", type, hidden.size(0), hidden.size(1)).copy_(hidden)
                : hidden;
        workspace.shareRows(hidden.size(0), (_, start, count, buffers) -> {
            Tensor rows = hidden.narrow(0, start, count);
            add(rows, mixed.narrow(0, start, count), output, Part.ATTENTION_OUTPUT_NORM, buffers);
            norms.after(rows, Part.ATTENTION_NORM, Part.ATTENTION_NORM_BIAS, buffers);
        });
        observer.afterAttention(hidden);
        feedForward(hidden, seen, workspace, observer);
    }

    /** @param seen what it reads of the residual stream: what it adds to, or that before attention */
    private void feedForward(Tensor hidden, Tensor seen, Workspace workspace, LayerObserver observer) {
        long channels = config.intermediateSize();
        InTurn turns = new InTurn();
        workspace.shareRows(hidden.size(0), turns, (block, start, count, buffers) -> {
            Tensor rows = hidden.narrow(0, start, count);
            Part norm = config.feedForwardNorm();
            Tensor normed = norms.before(seen.narrow(0, start, count), norm, norm.bias(), buffers);
            Tensor product = gateUp.of(normed, "gateUp", buffers);
            Tensor gate = product.narrow(1, 0, channels);
            activation.inPlace(gate);
            if (product.size(1) > channels) {
                gate.mul_(product.narrow(1, channels, channels));
            }
            norms.inside(gate, Part.FEED_FORWARD_SUB_NORM, buffers);
            turns.take(block, () -> observer.feedForwardChannels(gate));
            addChannels(rows, gate, buffers);
        });
    }

    private void addChannels(Tensor rows, Tensor channels, Workspace workspace) {
        add(rows, channels, down, Part.FEED_FORWARD_OUTPUT_NORM, workspace);
        norms.after(rows, Part.FEED_FORWARD_NORM, Part.FEED_FORWARD_NORM_BIAS, workspace);
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
        List.of(output, gateUp, down).forEach(Linear::close);
        attention.close();
    }
}
