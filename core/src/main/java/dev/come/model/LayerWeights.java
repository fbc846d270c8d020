package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** The tensors of one layer by what they mean, and how it attends. Who owns them is for the one who makes them to say. */
public final class LayerWeights {
    private final AttentionKind attention;
    private final Map<Part, Tensor> tensors;

    private LayerWeights(AttentionKind attention, Map<Part, Tensor> tensors) {
        this.attention = attention;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /** Reads some rows of a stored tensor by its name. */
    public interface StoredRows {
        Tensor read(String name, long first, long count);
    }

    /** The tensors of a layer of a checkpoint, in memory of their own. */
    public static LayerWeights of(Checkpoint checkpoint, ModelConfig config, int layer) {
        return of(config, config.attention(layer), part -> stored(config, layer, part, checkpoint::rows));
    }

    /**
     * A part of a layer as it is stored, perhaps in a tensor that it shares with other parts.
     *
     * @param position the number of the layer in the names of tensors
     */
    public static Tensor stored(ModelConfig config, int position, Part part, StoredRows rows) {
        return StoredParts.with(config, part).read(position, part, rows);
    }

    /**
     * One tensor for each part that layers of the model have.
     *
     * @param attention how the layer attends
     */
    public static LayerWeights of(ModelConfig config, AttentionKind attention, Function<Part, Tensor> tensorOf) {
        Map<Part, Tensor> tensors = new EnumMap<>(Part.class);
        config.parts().forEach(part -> tensors.put(part, tensorOf.apply(part)));
        return new LayerWeights(attention, tensors);
    }

    /** How the layer attends. */
    public AttentionKind attention() {
        return attention;
    }

    /** A tensor that the layer has. */
    public Tensor get(Part part) {
        Tensor tensor = tensors.get(part);
        if (tensor == null) {
            throw new IllegalArgumentException("the layer has no " + part);
        }
        return tensor;
    }

    /** The tensor as it is stored in which some parts lie together. */
    public Tensor stored(ModelConfig config, List<Part> parts) {
        return new StoredParts(config, parts).of(this);
    }

    /** A tensor that only some models have, or null. */
    @Nullable
    Tensor find(Part part) {
        return tensors.get(part);
    }

    /** Other tensors, each made from one of these. */
    public LayerWeights map(BiFunction<Part, Tensor, Tensor> change) {
        Map<Part, Tensor> changed = new EnumMap<>(Part.class);
        tensors.forEach((part, tensor) -> changed.put(part, change.apply(part, tensor)));
        return new LayerWeights(attention, changed);
    }

    /** The tensors by what they mean. */
    public Map<Part, Tensor> asMap() {
        return tensors;
    }
}
