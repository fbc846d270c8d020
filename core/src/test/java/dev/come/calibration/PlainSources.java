package dev.come.calibration;

import dev.come.model.AttentionKind;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.PlainLayer;
import dev.come.model.Rotation;
import dev.come.model.TokenLayout;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** What layers give and what goes into their projections, each layer by itself, in plain float64. */
public final class PlainSources implements AutoCloseable {
    private final ModelConfig config;
    private final LayerStore store;
    private final PlainLayer plain;
    private final Rotation rotation = new Rotation(Compute.float32(1));
    private final Optional<AttentionKind> kind;

    /** Runs layers of a model. Each attends as it does in the model. */
    public PlainSources(LayerStore store) {
        this(store, Optional.empty());
    }

    /** The same, but all of them attend like one layer of the model, as they do where they are merged. */
    public PlainSources(LayerStore store, int like) {
        this(store, Optional.of(store.config().attention(like)));
    }

    private PlainSources(LayerStore store, Optional<AttentionKind> kind) {
        this.kind = kind;
        this.store = store;
        this.config = store.config();
        this.plain = new PlainLayer(config);
    }

    /** Whether heads and channels add up, each by itself: no norm mixes them with others. */
    public static boolean addUp(ModelConfig config) {
        return !config.normsAfter() && !config.sideBySide()
                && config.parts().stream().noneMatch(List.of(Part.QUERY_NORM, Part.KEY_NORM,
                        Part.ALL_QUERIES_NORM, Part.ALL_KEYS_NORM, Part.ATTENTION_OUTPUT_NORM,
                        Part.FEED_FORWARD_OUTPUT_NORM)::contains);
    }

    /** The weights in float64. */
    public LayerWeights weights(LayerNode node) {
        LayerWeights stored = store.materialise(node);
        return LayerWeights.of(config, kind.orElse(stored.attention()),
                part -> stored.get(part).to(ScalarType.Double));
    }

    /** What attention adds to the residual stream. */
    public Tensor attention(LayerNode node, Tensor hidden, TokenLayout layout) {
        return attention(weights(node), hidden, layout);
    }

    /** The same with given weights. */
    public Tensor attention(LayerWeights weights, Tensor hidden, TokenLayout layout) {
        return plain.attend(weights, hidden, layout, rotation).sub(hidden);
    }

    /** What feed-forward adds to the residual stream. */
    public Tensor feedForward(LayerNode node, Tensor between) {
        return feedForward(weights(node), between);
    }

    /** The same with given weights. */
    public Tensor feedForward(LayerWeights weights, Tensor between) {
        return plain.feedForward(weights, between, between).sub(between);
    }

    /** What goes into the output projection of attention, {@code (tokens, heads * headDim)}. */
    public Tensor heads(LayerNode node, Tensor hidden, TokenLayout layout) {
        return heads(weights(node), hidden, layout);
    }

    /** The same with given weights. */
    public Tensor heads(LayerWeights weights, Tensor hidden, TokenLayout layout) {
        return inputs(weights, Part.OUTPUT, changed -> attention(changed, hidden, layout));
    }

    /** What goes into the down projection, {@code (tokens, channels)}. */
    public Tensor channels(LayerNode node, Tensor between) {
        return channels(weights(node), between);
    }

    /** The same with given weights. */
    public Tensor channels(LayerWeights weights, Tensor between) {
        return inputs(weights, Part.DOWN, changed -> feedForward(changed, between));
    }

    /** Lets a projection hand on some of its inputs after the others. */
    private Tensor inputs(LayerWeights weights, Part projection, Function<LayerWeights, Tensor> added) {
        long width = weights.get(projection).size(1);
        long rows = config.hiddenSize();
        List<Tensor> found = new ArrayList<>();
        for (long start = 0; start < width; start += rows) {
            long count = Math.min(rows, width - start);
            Tensor chosen = torch.zeros(new long[]{rows, width}, new TensorOptions(ScalarType.Double));
            chosen.narrow(1, start, count).fill_diagonal_(new Scalar(1.0), false);
            found.add(added.apply(weights.map((part, tensor) -> part == projection
                    ? chosen
                    : part == projection.bias() ? torch.zeros_like(tensor) : tensor)).narrow(1, 0, count));
        }
        return torch.cat(new TensorVector(found.toArray(Tensor[]::new)), 1)
                .div(new Scalar(config.multipliers().residual()));
    }

    @Override
    public void close() {
        rotation.close();
    }
}
