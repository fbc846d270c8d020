package dev.come.api;

import dev.come.checkpoint.DType;
import dev.come.job.Inspection;
import dev.come.model.ModelConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * What a model is.
 *
 * @param model where it lies: a folder or a GGUF file
 * @param modelType {@code model_type} in its config.json
 * @param parameters numbers in all tensors, tied embeddings once
 * @param parametersByPart the same by what they are for
 * @param weightBytes bytes of all tensors
 * @param dtypes the types that they are stored in, as safetensors names them
 * @param sizes of its layers; absent if the model cannot be computed here
 * @param problems what keeps it from being used, a sentence each; none if it can be
 * @param remarks what else a user should know
 */
public record ModelDescription(Path model, String modelType, long parameters,
        SequencedMap<String, Long> parametersByPart, long weightBytes, List<String> dtypes, Optional<Sizes> sizes,
        List<String> problems, List<String> remarks) {
    /**
     * Sizes of a model.
     *
     * @param layers decoder layers
     * @param hidden channels of hidden states
     * @param intermediate channels of feed-forward
     * @param heads query heads of attention
     * @param keyValueHeads key-value heads of attention
     * @param headDim channels of a head
     * @param vocabulary tokens
     * @param positions the most tokens of a text
     */
    public record Sizes(int layers, int hidden, int intermediate, int heads, int keyValueHeads, int headDim,
            int vocabulary, int positions) {
        private static Sizes of(ModelConfig config) {
            return new Sizes(config.layers(), config.hiddenSize(), config.intermediateSize(), config.heads(),
                    config.keyValueHeads(), config.headDim(), config.vocabularySize(), config.maxPositions());
        }
    }

    static ModelDescription of(Inspection inspection) {
        return new ModelDescription(inspection.model(), inspection.modelType(), inspection.parameters(),
                inspection.parametersByPart(), inspection.weightBytes(),
                inspection.tensorsByType().keySet().stream().map(DType::name).toList(),
                inspection.config().map(Sizes::of), inspection.problems(), inspection.remarks());
    }
}
