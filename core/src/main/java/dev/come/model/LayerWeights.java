package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** The tensors of one layer by what they mean, and how it attends. Who owns them is for the one who makes them to say. */
public final class LayerWeights {
    private final AttentionKind attention;
    private final Map<Part, Tensor> tensors;

    private LayerWeights(AttentionKind attention, Map<Part, Tensor> tensors) {
        this.attention = attention;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /** The tensors of a layer of a checkpoint: views on the memory-mapped file, which must stay open. */
    public static LayerWeights of(Checkpoint checkpoint, ModelConfig config, int layer) {
        return named(config, config.attention(layer), layer, checkpoint::tensor);
    }

    /**
     * The tensors of a layer by the names that they are stored under.
     *
     * @param attention how the layer attends
     * @param position the number of the layer in the names
     * @param tensorOf the stored tensor of a name, of which parts of a layer are views
     */
    public static LayerWeights named(ModelConfig config, AttentionKind attention, int position,
            Function<String, Tensor> tensorOf) {
        Map<Part, Tensor> tensors = new EnumMap<>(Part.class);
        for (List<Part> parts : config.layerTensors()) {
            Tensor stored = tensorOf.apply(config.tensorName(position, parts.getFirst()));
            long start = 0;
            for (Part part : parts) {
                long rows = config.shape(part).getFirst();
                tensors.put(part, parts.size() == 1 ? stored : stored.narrow(0, start, rows));
                start += rows;
            }
        }
        return new LayerWeights(attention, tensors);
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

    /** The tensor as it is stored in which some parts lie row after row. */
    public Tensor stored(List<Part> parts) {
        return parts.size() == 1
                ? get(parts.getFirst())
                : torch.cat(new TensorVector(parts.stream().map(this::get).toArray(Tensor[]::new)), 0);
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
