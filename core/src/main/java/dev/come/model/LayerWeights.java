package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import java.util.EnumMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** The tensors of one layer of a checkpoint, as they are stored. */
public final class LayerWeights {
    private LayerWeights() {
    }

    /** Views on the memory-mapped tensors of a layer; nothing is copied, and the checkpoint must stay open. */
    public static Map<Part, Tensor> of(Checkpoint checkpoint, ModelConfig config, int layer) {
        Map<Part, Tensor> weights = new EnumMap<>(Part.class);
        for (Part part : config.parts()) {
            weights.put(part, checkpoint.tensor(config.tensorName(layer, part)));
        }
        return weights;
    }
}
