package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.Shown;
import dev.come.checkpoint.TensorSpec;
import dev.come.gguf.Architecture.Trait;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The model in a GGUF file as transformers sees it: its configuration, and its tensors under their own names.
 *
 * <p>All tensors get one type: float32 or float16 if all matrices are stored so, otherwise bfloat16, in which the models
 * were trained. (Scales of quantised blocks reach further than float16.)
 */
final class GgufModel {
    private static final Comparator<Weight> BY_NAME = Comparator.comparing(weight -> weight.spec().name());
    private static final String EMBEDDING = "token_embd.weight";
    private static final String POSITIONS = "position_embd.weight";
    private static final String HEAD = "output.weight";
    private static final String WEIGHT = ".weight";
    private static final String FACTOR = ".scale";
    private static final String INPUT_FACTOR = ".input_scale";
    /** Keys of models that compute something else under the same architecture; a factor of 1 changes nothing. */
    private static final List<String> FACTORS = List.of("logit_scale", "attention.scale", "embedding_scale",
            "residual_scale");
    private static final String SCORE_CAP = "attn_logit_softcapping";
    private static final String LOGIT_CAP = "final_logit_softcapping";

    private final GgufFile file;
    private final GgufMetadata metadata;
    private final Architecture architecture;
    private final Map<String, GgufTensor> stored = new LinkedHashMap<>();
    private final Map<String, Weight> weights = new TreeMap<>();
    private final DType dtype;
    private final GgufSizes sizes;

    private GgufModel(GgufFile file) {
        this.file = file;
        this.metadata = file.metadata();
        this.architecture = architecture(metadata);
        checkKind();
        file.header().tensors().forEach(tensor -> stored.put(tensor.name(), tensor));
        dtype = dtype(file.header().tensors());
        sizes = GgufSizes.of(file, architecture);
        collect();
    }

    /**
     * Reads what a file says of its model and checks that all of it is there.
     *
     * @throws CheckpointException if the architecture is not read, or keys or tensors are missing, unexpected or of another
     *         size than the others ask for
     */
    static GgufModel of(GgufFile file) {
        return new GgufModel(file);
    }

    /** The tensors, in the order of their names. */
    List<Weight> weights() {
        return weights.values().stream().sorted(BY_NAME).toList();
    }

    /** The longest sequence that the model was made for, in tokens. */
    int maxPositions() {
        return sizes.maxPositions();
    }

    /** config.json. */
    ConfigTree config(GgufTokenizer tokenizer) {
        return new GgufConfig(file, architecture, sizes, stored, dtype, vocabulary()).tree(tokenizer);
    }

    private static Architecture architecture(GgufMetadata metadata) {
        String name = metadata.requiredText("general.architecture");
        return Architecture.named(name)
                .orElseThrow(() -> new CheckpointException(
                        "%s: the architecture is '%s', and of GGUF files only %s are read; use the model's own folder"
                                .formatted(metadata.file(), Shown.of(name), Architecture.known())));
    }

    /** Refuses what is under a known name and yet is not what the name says. */
    private void checkKind() {
        if (file.header().tensors().isEmpty()) {
            throw wrong("the file has no tensors, only a vocabulary; get one with the model's weights");
        }
        if (metadata.count(key("expert_count")).orElse(0) > 0) {
            throw wrong("the model is a mixture of experts, whose layers cannot be merged here");
        }
        for (String factor : architecture.has(Trait.FACTORS) ? List.<String>of() : FACTORS) {
            if (metadata.number(key(factor)).orElse(1.0) != 1) {
                throw wrong("'%s' is %s, and no model of this architecture with such a factor is known here"
                        .formatted(key(factor), metadata.number(key(factor)).orElseThrow()));
            }
        }
        limit("attention.clamp_kqv", false);
        limit("attention.max_alibi_bias", false);
        limit(SCORE_CAP, architecture.has(Trait.SCORES_CAPPED));
        limit(LOGIT_CAP, architecture.has(Trait.LOGITS_CAPPED));
    }

    private void limit(String name, boolean known) {
        if (!known && metadata.number(key(name)).orElse(0.0) != 0) {
            throw wrong("'%s' is %s, and no model of this architecture with such a limit is known here"
                    .formatted(key(name), metadata.number(key(name)).orElseThrow()));
        }
    }

    /** Finds every tensor of the architecture and makes sure that there is no other. */
    private void collect() {
        boolean gpt2 = architecture == Architecture.GPT2;
        String base = gpt2 ? "transformer." : "model.";
        add(EMBEDDING, base + (gpt2 ? "wte.weight" : "embed_tokens.weight"), vocabulary(), sizes.hidden());
        if (architecture.has(Trait.LEARNED_POSITIONS)) {
            add(POSITIONS, base + "wpe.weight", sizes.maxPositions(), sizes.hidden());
        }
        norm("output_norm", base + (gpt2 ? "ln_f" : "norm"), sizes.hidden());
        if (stored.containsKey(HEAD)) {
            add(HEAD, "lm_head.weight", vocabulary(), sizes.hidden());
        }
        for (int layer = 0; layer < sizes.layers(); layer++) {
            for (LayerTensor tensor : architecture.layer()) {
                add(tensor, "blk.%s.%s".formatted(layer, tensor.from()),
                        "%s%s.%s.%s".formatted(base, gpt2 ? "h" : "layers", layer, tensor.to()));
            }
        }
        Set<String> used = weights.values().stream().map(weight -> weight.source().name()).collect(Collectors.toSet());
        for (String name : stored.keySet()) {
            if (!used.contains(name) && !isBeside(name, used) && !GgufRope.tensors(architecture).contains(name)) {
                throw wrong(
                        "tensor '%s' has no place in a model of the architecture '%s' with %s layers".formatted(
                                Shown.of(name), architecture.id(), sizes.layers()));
            }
        }
    }

    /** Whether a tensor is there for a matrix: the factor of all its numbers, or of what it is multiplied with. */
    private boolean isBeside(String name, Set<String> used) {
        return Stream.of(FACTOR, INPUT_FACTOR).anyMatch(ending -> name.endsWith(ending)
                && used.contains(name.substring(0, name.length() - ending.length()) + WEIGHT));
    }

    /** What all numbers of a matrix are multiplied by, which NVFP4 has beside the scales of its blocks. */
    private float factor(String weight) {
        GgufTensor factor = weight.endsWith(WEIGHT)
                ? stored.get(weight.substring(0, weight.length() - WEIGHT.length()) + FACTOR)
                : null;
        if (factor == null) {
            return 1;
        }
        if (factor.type() != GgufType.F32 || factor.elements() != 1) {
            throw wrong("tensor '%s' is %s of shape %s, where one number of type F32 is expected".formatted(
                    Shown.of(factor.name()), factor.type(), factor.shape()));
        }
        byte[] raw = new byte[Float.BYTES];
        file.read(factor, 0, raw);
        float[] number = new float[1];
        Dequantiser.dequantise(GgufType.F32, raw, number, 1);
        return number[0];
    }

    private void add(LayerTensor tensor, String from, String to) {
        long rows = sizes.of(tensor.shape().getFirst());
        if (tensor.isNorm()) {
            norm(from, to, rows);
            return;
        }
        int heads = !architecture.has(Trait.INTERLEAVED) ? 0 : switch (tensor.from()) {
            case LayerTensor.QUERY -> sizes.heads();
            case LayerTensor.KEY -> sizes.keyValueHeads();
            default -> 0;
        };
        add(from + ".weight", to + ".weight", heads, 0, architecture.has(Trait.TRANSPOSED), rows,
                sizes.of(tensor.shape().getLast()));
        boolean biased = switch (tensor.bias()) {
            case NEVER -> false;
            case ALWAYS -> true;
            case LIKE_QUERIES -> stored.containsKey(GgufConfig.QUERY_BIAS);
            case LIKE_UP -> stored.containsKey(GgufConfig.UP_BIAS);
        };
        if (biased) {
            add(from + ".bias", to + ".bias", heads, 0, false, rows);
        }
    }

    private void norm(String from, String to, long size) {
        add(from + ".weight", to + ".weight", 0, architecture.has(Trait.NORMS_PLUS_ONE) ? 1 : 0, false, size);
        if (architecture.has(Trait.LAYER_NORMS)) {
            add(from + ".bias", to + ".bias", size);
        }
    }

    private void add(String from, String to, long... shape) {
        add(from, to, 0, 0, false, shape);
    }

    private void add(String from, String to, int turnedHeads, float less, boolean transposed, long... shape) {
        GgufTensor tensor = required(from);
        List<Long> expected = LongStream.of(shape).boxed().toList();
        if (!tensor.shape().equals(expected)) {
            throw wrong("tensor '%s' has shape %s, but the keys make it %s".formatted(from, tensor.shape(), expected));
        }
        weights.put(to, new Weight(new TensorSpec(to, dtype, transposed ? expected.reversed() : expected),
                turnedHeads > 0 && expected.size() == 1 ? asColumn(tensor) : tensor, turnedHeads, less, transposed,
                factor(from)));
    }

    /** A bias whose numbers change places as the rows of a matrix do. */
    private GgufTensor asColumn(GgufTensor bias) {
        if (!bias.type().plain()) {
            throw wrong("tensor '%s' is %s, where a bias is expected to be F32, F16 or BF16".formatted(bias.name(),
                    bias.type()));
        }
        return new GgufTensor(bias.name(), bias.type(), List.of(bias.elements(), 1L), bias.offset());
    }

    private GgufTensor required(String name) {
        GgufTensor tensor = stored.get(name);
        if (tensor == null) {
            throw wrong("tensor '%s' is missing, which the architecture '%s' with %s layers asks for".formatted(name,
                    architecture.id(), sizes.layers()));
        }
        return tensor;
    }

    private int vocabulary() {
        return Math.toIntExact(required(EMBEDDING).shape().getFirst());
    }

    private static DType dtype(List<GgufTensor> tensors) {
        List<GgufType> types = tensors.stream().filter(tensor -> tensor.shape().size() > 1).map(GgufTensor::type)
                .distinct().toList();
        if (!types.stream().allMatch(type -> type == GgufType.F32 || type == GgufType.F16)) {
            return DType.BF16;
        }
        return types.contains(GgufType.F32) ? DType.F32 : DType.F16;
    }

    private String key(String name) {
        return architecture.id() + "." + name;
    }

    private CheckpointException wrong(String problem) {
        return new CheckpointException("%s: %s".formatted(file.file(), problem));
    }
}
