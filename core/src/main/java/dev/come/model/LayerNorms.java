package dev.come.model;

import dev.come.memory.Retained;
import java.util.EnumMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** The norms of one layer, wherever its family has them. Safe for use by several threads. */
final class LayerNorms implements AutoCloseable {
    private final ModelConfig config;
    private final ScalarType type;
    private final Map<Part, Retained<Tensor>> norms = new EnumMap<>(Part.class);

    /**
     * Keeps those of a layer.
     *
     * @param weights of the layer; those of norms are float32
     * @param type the compute type
     */
    LayerNorms(ModelConfig config, LayerWeights weights, ScalarType type) {
        this.config = config;
        this.type = type;
        weights.asMap().forEach((part, tensor) -> {
            if (part.isOfNorm()) {
                norms.put(part, Retained.of(tensor));
            }
        });
        for (Part norm : Part.values()) {
            if (config.hasNormWithoutWeights(norm)) {
                norms.put(norm,
                        Retained.of(torch.ones(new long[]{config.hiddenSize()}, weights.get(Part.QUERY).options())
                                .to(ScalarType.Float)));
            }
        }
    }

    /** The weight or bias of a norm, {@code (channels)}, float32; null if the layer has none. */
    @Nullable
    Tensor find(Part part) {
        return Retained.borrowNullable(norms.get(part));
    }

    /** Norms queries or keys in place, all channels of a row together or each head by itself, as the layer does before turning. */
    void ofHeads(Tensor channels, Part together, Part each, Workspace workspace) {
        long rows = channels.size(0);
        Tensor ofAll = find(together);
        if (ofAll != null) {
            config.norm().inPlace(channels.view(rows, 1, channels.size(1)), ofAll, workspace);
        }
        Tensor ofEach = find(each);
        if (ofEach != null && !config.family().has(Trait.HEAD_NORMS_AFTER_TURNING)) {
            config.norm().inPlace(channels.view(rows, channels.size(1) / config.headDim(), config.headDim()), ofEach,
                    workspace);
        }
    }

    /** Norms heads in place, as the layer does after turning; {@code headDim} is the last dimension. */
    void ofTurnedHeads(Tensor heads, Part each, Workspace workspace) {
        Tensor ofEach = find(each);
        if (ofEach != null && config.family().has(Trait.HEAD_NORMS_AFTER_TURNING)) {
            config.norm().inPlace(heads, ofEach, workspace);
        }
    }

    /** Norms in place what heads or feed-forward channels give, in models that do so. */
    void inside(Tensor rows, Part part, Workspace workspace) {
        Tensor weight = find(part);
        if (weight != null) {
            rows.copy_(config.norm().of(rows, weight, null, workspace));
        }
    }

    /** What attention or feed-forward see of the residual stream, in the compute type. */
    Tensor before(Tensor rows, Part part, Part bias, Workspace workspace) {
        Tensor weight = find(part);
        if (weight == null || config.normsAfter()) {
            return rows;
        }
        Tensor result = config.norm().of(rows, weight, find(bias), workspace);
        if (type == ScalarType.Float) {
            return result;
        }
        return workspace.tensor("normed", type, rows.size(0), rows.size(1)).copy_(result);
    }

    /** Norms the residual stream itself, in models that do so. */
    void after(Tensor rows, Part part, Part bias, Workspace workspace) {
        Tensor weight = find(part);
        if (weight != null && config.normsAfter()) {
            rows.copy_(config.norm().of(rows, weight, find(bias), workspace));
        }
    }

    @Override
    public void close() {
        Retained.close(norms.values());
        norms.clear();
    }
}
