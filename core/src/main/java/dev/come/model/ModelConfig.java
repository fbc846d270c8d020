package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorInfo;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;

/**
 * The sizes and switches of a causal language model, read from its config.json and checked against its tensors.
 *
 * @param layers decoder layers in the checkpoint
 * @param headDim channels of one head; not always {@code hiddenSize / heads}
 * @param maxPositions the longest sequence the model was made for, in tokens
 * @param tiedEmbeddings whether the token embedding is the output projection too
 */
public record ModelConfig(Family family, int vocabularySize, int hiddenSize, int intermediateSize, int layers,
        int heads, int keyValueHeads, int headDim, int maxPositions, double normEpsilon, String activation,
        boolean attentionBias, boolean mlpBias, boolean tiedEmbeddings, RotaryEmbedding rotary) {

    /**
     * Reads and checks the configuration of a checkpoint.
     *
     * @throws InvalidInputException if a value is missing or impossible, the architecture is unknown, or a tensor is
     *         missing, unexpected or of another shape than the configuration says
     */
    public static ModelConfig of(Checkpoint checkpoint) {
        ConfigTree tree = checkpoint.config();
        Family family = Family.named(tree.string("model_type"));
        int hidden = positive(tree, "hidden_size");
        int heads = positive(tree, "num_attention_heads");
        int keyValueHeads = tree.optionalInteger("num_key_value_heads").isPresent()
                ? positive(tree, "num_key_value_heads")
                : heads;
        int headDim = tree.optionalInteger("head_dim").isPresent() ? positive(tree, "head_dim") : hidden / heads;
        if (heads % keyValueHeads != 0) {
            throw invalid(tree, "num_attention_heads is " + heads + ", which is not a multiple of num_key_value_heads, "
                    + keyValueHeads);
        }
        if (headDim % 2 != 0) {
            throw invalid(tree, "head_dim is " + headDim + ", but rotary positions need an even number");
        }
        boolean tied = tree.bool("tie_word_embeddings", false);
        if (tied && checkpoint.contains(family.head())) {
            tied = same(checkpoint, family.head(), family.embedding());
        }
        ModelConfig config = new ModelConfig(family, positive(tree, "vocab_size"), hidden,
                positive(tree, "intermediate_size"), positive(tree, "num_hidden_layers"), heads, keyValueHeads, headDim,
                positive(tree, "max_position_embeddings"), tree.optionalNumber("rms_norm_eps").orElse(1e-6),
                tree.optionalString("hidden_act").orElse("silu"), tree.bool("attention_bias", false),
                tree.bool("mlp_bias", false), tied, RotaryEmbedding.of(tree, headDim));
        Activation.named(config.activation);
        config.checkTensors(checkpoint);
        return config;
    }

    /** Query heads that share one key-value head. */
    public int groupSize() {
        return heads / keyValueHeads;
    }

    /** The tensors that every layer of this model has. */
    public Set<Part> parts() {
        Set<Part> parts = EnumSet.copyOf(family.parts().keySet());
        if (!attentionBias) {
            parts.removeAll(Set.of(Part.QUERY_BIAS, Part.KEY_BIAS, Part.VALUE_BIAS, Part.OUTPUT_BIAS));
        }
        if (!mlpBias) {
            parts.removeAll(Set.of(Part.GATE_BIAS, Part.UP_BIAS, Part.DOWN_BIAS));
        }
        return parts;
    }

    /** The name of a layer's tensor in the checkpoint. */
    public String tensorName(int layer, Part part) {
        return family.layerPrefix() + layer + "." + family.parts().get(part);
    }

    /** The shape that a layer's tensor must have. */
    public List<Long> shape(Part part) {
        long queries = (long) heads * headDim;
        long keys = (long) keyValueHeads * headDim;
        long hidden = hiddenSize;
        long channels = intermediateSize;
        return switch (part) {
            case INPUT_NORM, POST_ATTENTION_NORM, OUTPUT_BIAS, DOWN_BIAS -> List.of(hidden);
            case QUERY -> List.of(queries, hidden);
            case QUERY_BIAS -> List.of(queries);
            case KEY, VALUE -> List.of(keys, hidden);
            case KEY_BIAS, VALUE_BIAS -> List.of(keys);
            case OUTPUT -> List.of(hidden, queries);
            case GATE, UP -> List.of(channels, hidden);
            case GATE_BIAS, UP_BIAS -> List.of(channels);
            case DOWN -> List.of(hidden, channels);
        };
    }

    /** Parameters of one decoder layer. */
    public long layerParameters() {
        return parts().stream().mapToLong(part -> shape(part).stream().reduce(1L, Math::multiplyExact)).sum();
    }

    /** Parameters of the whole model if it had so many layers; tied embeddings count once. */
    public long parameters(int layerCount) {
        long embeddings = (long) vocabularySize * hiddenSize * (tiedEmbeddings ? 1 : 2);
        return embeddings + hiddenSize + layerCount * layerParameters();
    }

    /** The name of the tensor that is the output projection. */
    public String headTensor() {
        return tiedEmbeddings ? family.embedding() : family.head();
    }

    /** The stored type of the weights: that of the first layer's query projection. */
    public DType storedType(Checkpoint checkpoint) {
        return checkpoint.info(tensorName(0, Part.QUERY)).dtype();
    }

    private void checkTensors(Checkpoint checkpoint) {
        Map<String, List<Long>> shapes = new LinkedHashMap<>();
        List<Long> table = List.of((long) vocabularySize, (long) hiddenSize);
        shapes.put(family.embedding(), table);
        for (int layer = 0; layer < layers; layer++) {
            for (Part part : parts()) {
                shapes.put(tensorName(layer, part), shape(part));
            }
        }
        shapes.put(family.finalNorm(), List.of((long) hiddenSize));
        shapes.put(headTensor(), table);
        Set<String> optional = checkpoint.tensors().stream().map(TensorInfo::name)
                .filter(name -> name.equals(family.head()) || family.ignored().stream().anyMatch(name::endsWith))
                .collect(Collectors.toSet());
        checkpoint.checkTensors(shapes.keySet(), optional);
        shapes.forEach((name, shape) -> checkTensor(checkpoint.info(name), shape));
    }

    private static void checkTensor(TensorInfo info, List<Long> shape) {
        if (!info.shape().equals(shape)) {
            throw new InvalidInputException(info.file() + ": tensor " + info.name() + " has shape " + info.shape()
                    + ", but config.json makes it " + shape + "; check that config.json belongs to these weights");
        }
        if (!info.dtype().floating()) {
            throw new InvalidInputException(info.file() + ": tensor " + info.name() + " is stored as " + info.dtype()
                    + ", but weights must be F64, F32, F16 or BF16; dequantise the checkpoint first");
        }
    }

    private static boolean same(Checkpoint checkpoint, String first, String second) {
        try (var _ = new PointerScope()) {
            return checkpoint.tensor(first).equal(checkpoint.tensor(second));
        }
    }

    private static int positive(ConfigTree tree, String key) {
        int value = tree.integer(key);
        if (value <= 0) {
            throw invalid(tree, key + " is " + value + ", but must be positive");
        }
        return value;
    }

    private static InvalidInputException invalid(ConfigTree tree, String what) {
        return new InvalidInputException(
                tree.file() + ": " + what + "; the configuration is damaged or of another model");
    }
}
