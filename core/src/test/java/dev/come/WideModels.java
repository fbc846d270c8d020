package dev.come;

import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorSpec;
import dev.come.model.CausalLanguageModel;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Models as the golden values were computed: with float32 weights. */
public final class WideModels {
    private WideModels() {
    }

    /** The model itself if its weights are float32, else a copy of it with float32 weights below the folder. */
    public static Path float32(Path model, Path folder) {
        Path copy = folder.resolve(model.getFileName());
        if (Files.exists(copy)) {
            return copy;
        }
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            if (checkpoint.tensors().stream().allMatch(info -> info.dtype() == DType.F32)) {
                return model;
            }
            List<TensorSpec> specs = checkpoint.tensors().stream()
                    .map(info -> new TensorSpec(info.name(), DType.F32, info.shape())).toList();
            new CheckpointWriter(copy, checkpoint.config()).write(specs,
                    spec -> checkpoint.tensor(spec.name()).to(DType.F32.scalarType()));
            return copy;
        }
    }

    /** Logits after every token of the only sequence, {@code (tokens, vocabulary)}. */
    public static float[][] logits(Checkpoint checkpoint, LayerStack stack, Sequences input) {
        ModelConfig config = ModelConfig.of(checkpoint);
        LayerStore store = new LayerStore(checkpoint, config);
        try (CausalLanguageModel model = new CausalLanguageModel(checkpoint, config, TestDevice.float32(1),
                stack.size(),
                position -> store.materialise(stack.get(position)))) {
            return model.logits(input.sequence(0));
        }
    }
}
