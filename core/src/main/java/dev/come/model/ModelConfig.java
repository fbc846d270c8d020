package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The sizes and switches of a causal language model, read from its config.json and checked against its tensors.
 *
 * @param embeddingSize width of the embedding and of the output projection; in most models the hidden size
 * @param layers decoder layers in the checkpoint
 * @param headDim channels of one head; not always {@code hiddenSize / heads}
 * @param maxPositions max_position_embeddings, in tokens; {@link #positions} says how far the model reaches
 * @param normsAfter whether attention and feed-forward are followed, rather than preceded, by their norm
 * @param sideBySide whether feed-forward reads the residual stream as attention does, and not what attention has added to
 * @param finalNorm whether there is a norm after the last layer
 * @param parts the tensors that every layer of the model has
 * @param tiedEmbeddings whether the token embedding is the output projection too
 * @param outputProjection whether there is one at all; models that only give states have none, and so no logits
 * @param attentionKinds how the attention of each layer looks
 */
public record ModelConfig(Family family, int vocabularySize, int hiddenSize, int embeddingSize, int intermediateSize,
        int layers, int heads, int keyValueHeads, int headDim, int maxPositions, Norm norm, boolean normsAfter,
        boolean sideBySide, boolean finalNorm, String activation, Set<Part> parts, boolean tiedEmbeddings,
        Multipliers multipliers, boolean outputProjection, List<AttentionKind> attentionKinds) {
    /**
     * Reads and checks the configuration of a checkpoint.
     *
     * @throws InvalidInputException if a value is missing or impossible, the architecture is unknown, or a tensor is
     *         missing, unexpected or of another shape than the configuration says
     */
    public static ModelConfig of(Checkpoint checkpoint) {
        ModelConfig config = of(checkpoint.headers());
        return config.storesTiedHead(checkpoint.headers())
                && !checkpoint.holdsSame(config.family.names().head(), checkpoint, config.family.names().embedding())
                        ? config.with(false, true)
                        : config;
    }

    /**
     * Reads and checks the configuration of a model whose weights cannot be looked at. If embeddings are said to be tied
     * and an output projection of their type and shape is stored too ({@link #storesTiedHead}), they are taken to be equal.
     *
     * @throws InvalidInputException as {@link #of(Checkpoint)}
     */
    public static ModelConfig of(CheckpointHeaders headers) {
        StoredModel.requireLayers(headers);
        ModelConfig config = StoredModel.asStored(of(headers.config()), headers);
        new TensorCheck(config, headers).run();
        return config;
    }

    /** Whether embeddings are taken to be tied though there is an output projection, which may differ from them. */
    public boolean storesTiedHead(CheckpointHeaders headers) {
        return tiedEmbeddings && headers.contains(family.names().head());
    }

    /**
     * Reads a configuration as it stands.
     *
     * @throws InvalidInputException if a value is missing or impossible, or the architecture is unknown
     */
    public static ModelConfig of(ConfigTree tree) {
        return new ModelConfigReader(tree).read();
    }

    /** The same with another output projection, or none. */
    ModelConfig with(boolean tied, boolean projection) {
        return new ModelConfig(family, vocabularySize, hiddenSize, embeddingSize, intermediateSize, layers, heads,
                keyValueHeads, headDim, maxPositions, norm, normsAfter, sideBySide, finalNorm, activation, parts, tied,
                multipliers, projection, attentionKinds);
    }

    /**
     * The same with as many heads and feed-forward channels as a layer has that need not be one of the model: whole layers side
     * by side have more.
     */
    public ModelConfig sizedAs(LayerWeights weights) {
        int queries = Math.toIntExact(weights.get(Part.QUERY).size(0) / headDim);
        int keys = Math.toIntExact(weights.get(Part.KEY).size(0) / headDim);
        int channels = Math.toIntExact(weights.get(Part.DOWN).size(1));
        return queries == heads && channels == intermediateSize
                ? this
                : new ModelConfig(family, vocabularySize, hiddenSize, embeddingSize, channels, layers, queries, keys,
                        headDim, maxPositions, norm, normsAfter, sideBySide, finalNorm, activation, parts,
                        tiedEmbeddings, multipliers, outputProjection, attentionKinds);
    }

    /** Query heads that share one key-value head. */
    public int groupSize() {
        return heads / keyValueHeads;
    }

    /** The norm that feed-forward reads the residual stream through, or that follows it. */
    public Part feedForwardNorm() {
        return sideBySide && !parts.contains(Part.FEED_FORWARD_NORM) ? Part.ATTENTION_NORM : Part.FEED_FORWARD_NORM;
    }

    /** The norm whose result a projection reads, in models that norm beforehand; none if the model has no weights for it. */
    public Optional<Part> normBefore(Part projection) {
        return projection.normBefore().map(norm -> norm == Part.FEED_FORWARD_NORM ? feedForwardNorm() : norm)
                .filter(parts::contains);
    }

    /** Whether the last norm, or one before attention or feed-forward, is there though the model has no weights for it. */
    boolean hasNormWithoutWeights(Part norm) {
        return family.has(Trait.NORMS_WITHOUT_WEIGHTS)
                && (norm == Part.ATTENTION_NORM || norm == Part.FEED_FORWARD_NORM);
    }

    /** The name of the bias of the last norm, if it has one. */
    Optional<String> finalNormBias() {
        return finalNorm && family.parts().containsKey(Part.ATTENTION_NORM_BIAS)
                ? Optional.of(family.names().finalNormBias())
                : Optional.empty();
    }

    /** How the attention of a layer of the checkpoint looks. */
    public AttentionKind attention(int layer) {
        return attentionKinds.get(layer);
    }

    /**
     * The kind of each layer, one letter each: s and m see a window of tokens, f and n all of them, and m and n know no
     * positions. Empty where all are of one kind.
     */
    public String layerKinds() {
        StringBuilder kinds = new StringBuilder();
        for (AttentionKind kind : attentionKinds) {
            boolean all = kind.window() == AttentionKind.EVERYTHING;
            kinds.append(kind.rotary().isPresent() ? all ? 'f' : 's' : all ? 'n' : 'm');
        }
        return kinds.chars().distinct().count() > 1 ? kinds.toString() : "";
    }

    /** Whether the same position may turn by another angle in a text of another length. */
    public boolean rotationDependsOnLength() {
        return attentionKinds.stream().flatMap(kind -> kind.rotary().stream())
                .anyMatch(RotaryEmbedding::dependsOnLength);
    }

    /** Whether every position turns by the same angles in texts of two lengths. */
    public boolean turnsAlike(int length, int otherLength) {
        return attentionKinds.stream().flatMap(kind -> kind.rotary().stream())
                .allMatch(rotary -> rotary.turnsAlike(length, otherLength));
    }

    /**
     * How far the model tells tokens apart: max_position_embeddings, or beyond it where the scaling of every layer's rotary
     * embedding reaches further. In many configurations that number is of the model before it was scaled.
     */
    public Positions positions() {
        int reach = attentionKinds.stream().flatMap(kind -> kind.rotary().stream())
                .mapToInt(rotary -> rotary.scaling().reach(maxPositions)).min().orElse(maxPositions);
        return new Positions(Math.max(maxPositions, reach), learnedPositions());
    }

    /** How many rows of learned positions come before that of the first one; in OPT two that stand for no position. */
    int positionOffset() {
        return family.has(Trait.POSITIONS_FROM_FIRST_ROW) ? 0 : 2;
    }

    /** Whether positions are learned rather than turned into queries and keys. */
    public boolean learnedPositions() {
        return family.names().positions().isPresent();
    }

    /** The name of the tensor in the checkpoint in which a part of a layer lies. */
    public String tensorName(int layer, Part part) {
        return family.layerPrefix() + layer + "." + family.parts().get(part);
    }

    /** The stored tensors of a layer, each with the parts that lie in it, row after row. */
    public List<List<Part>> layerTensors() {
        return family.tensors(parts);
    }

    /** The shape of a stored tensor in which parts lie together. */
    public List<Long> shape(List<Part> partsOfTensor) {
        List<Long> first = shape(partsOfTensor.getFirst());
        if (first.isEmpty()) {
            return first;
        }
        long rows = partsOfTensor.stream().mapToLong(part -> shape(part).getFirst()).sum();
        List<Long> whole = first.size() == 1 ? List.of(rows) : List.of(rows, first.getLast());
        return family.has(Trait.MATRICES_TRANSPOSED) ? whole.reversed() : whole;
    }

    /** The shape that a part of a layer must have. */
    public List<Long> shape(Part part) {
        long queries = (long) heads * headDim;
        long keys = (long) keyValueHeads * headDim;
        long hidden = hiddenSize;
        long channels = intermediateSize;
        return switch (part) {
            case ATTENTION_NORM, ATTENTION_NORM_BIAS, ATTENTION_OUTPUT_NORM, FEED_FORWARD_NORM, FEED_FORWARD_NORM_BIAS,
                    FEED_FORWARD_OUTPUT_NORM, OUTPUT_BIAS, DOWN_BIAS ->
                List.of(hidden);
            case QUERY -> List.of(queries, hidden);
            case QUERY_BIAS, ALL_QUERIES_NORM, ATTENTION_SUB_NORM -> List.of(queries);
            case ATTENTION_SINKS -> List.of((long) heads);
            case KEY, VALUE -> List.of(keys, hidden);
            case KEY_BIAS, VALUE_BIAS, ALL_KEYS_NORM -> List.of(keys);
            case QUERY_NORM, KEY_NORM -> List.of((long) headDim);
            case OUTPUT -> List.of(hidden, queries);
            case ACTIVATION_POSITIVE, ACTIVATION_NEGATIVE -> List.of(1L);
            case ACTIVATION_SLOPE, ACTIVATION_BOUND -> List.of();
            case GATE, UP -> List.of(channels, hidden);
            case GATE_BIAS, UP_BIAS, FEED_FORWARD_SUB_NORM -> List.of(channels);
            case DOWN -> List.of(hidden, channels);
        };
    }

    /** The tensors before the layers: names and shapes. */
    public Map<String, List<Long>> tensorsBefore() {
        Map<String, List<Long>> shapes = new LinkedHashMap<>();
        shapes.put(family.names().embedding(), List.of((long) vocabularySize, (long) embeddingSize));
        family.names().positions().ifPresent(name -> shapes.put(name,
                List.of((long) maxPositions + positionOffset(), (long) hiddenSize)));
        if (embeddingSize != hiddenSize) {
            family.names().projectIn()
                    .ifPresent(name -> shapes.put(name, List.of((long) hiddenSize, (long) embeddingSize)));
        }
        return shapes;
    }

    /** The tensors after the layers: names and shapes. A tied output projection is not among them. */
    public Map<String, List<Long>> tensorsAfter() {
        Map<String, List<Long>> shapes = new LinkedHashMap<>();
        if (finalNorm && !family.has(Trait.NORMS_WITHOUT_WEIGHTS)) {
            shapes.put(family.names().finalNorm(), List.of((long) hiddenSize));
            finalNormBias().ifPresent(name -> shapes.put(name, List.of((long) hiddenSize)));
        }
        if (embeddingSize != hiddenSize) {
            family.names().projectOut()
                    .ifPresent(name -> shapes.put(name, List.of((long) embeddingSize, (long) hiddenSize)));
        }
        if (!tiedEmbeddings && outputProjection) {
            shapes.put(family.names().head(), List.of((long) vocabularySize, (long) embeddingSize));
        }
        headBias().ifPresent(name -> shapes.put(name, List.of((long) vocabularySize)));
        return shapes;
    }

    /** Parameters of one decoder layer. */
    public long layerParameters() {
        return parts.stream().mapToLong(part -> elements(shape(part))).sum();
    }

    /** Parameters of the whole model with the given number of layers; tied embeddings count once. */
    public long parameters(int layerCount) {
        return tensorsBefore().values().stream().mapToLong(ModelConfig::elements).sum() + layerCount * layerParameters()
                + tensorsAfter().values().stream().mapToLong(ModelConfig::elements).sum();
    }

    private static long elements(List<Long> shape) {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /** The name of the bias of the output projection, if it has one. */
    Optional<String> headBias() {
        return outputProjection ? family.names().headBias() : Optional.empty();
    }

    /**
     * The name of the tensor that is the output projection.
     *
     * @throws InvalidInputException if there is none
     */
    public String headTensor() {
        requireOutputProjection("Logits");
        return tiedEmbeddings ? family.names().embedding() : family.names().head();
    }

    /** The stored type of the weights: that of the first layer's query projection. */
    public DType storedType(Checkpoint checkpoint) {
        return checkpoint.info(tensorName(0, Part.QUERY)).dtype();
    }

    /**
     * Checks that there is an output projection.
     *
     * @param what needs one, in the plural or with a name that goes before "need"
     * @throws InvalidInputException if there is none
     */
    public void requireOutputProjection(String what) {
        if (!outputProjection) {
            throw withoutOutputProjection(what);
        }
    }

    InvalidInputException withoutOutputProjection(String what) {
        return new InvalidInputException(what + " need an output projection, and this model has none (no tensor "
                + family.names().head() + ", and tie_word_embeddings is not true); take a method that needs no loss,"
                + " such as shortgpt, concat_merge, magnitude or manual, or the model with its output projection");
    }

    static InvalidInputException invalid(ConfigTree tree, String what) {
        return new InvalidInputException(
                tree.file() + ": " + what + "; the configuration is damaged or of another model");
    }
}
