package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import dev.come.checkpoint.TensorSpec;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * The model in a GGUF file as transformers sees it: its configuration, and its tensors under their own names.
 *
 * <p>All tensors get one type: float32 or float16 if all matrices are stored so, otherwise bfloat16, in which the models
 * were trained. (Scales of quantised blocks reach further than float16.)
 */
final class GgufModel {
    private static final Comparator<Weight> BY_NAME = Comparator.comparing(weight -> weight.spec().name());
    private static final String ROPE_FACTORS = "rope_freqs.weight";
    /** Keys of models that compute something else under the same architecture; a factor of 1 changes nothing. */
    private static final List<String> FACTORS = List.of("logit_scale", "attention.scale", "embedding_scale",
            "residual_scale");
    private static final List<String> LIMITS = List.of("attn_logit_softcapping", "final_logit_softcapping",
            "attention.clamp_kqv", "attention.max_alibi_bias");

    private final GgufFile file;
    private final GgufMetadata metadata;
    private final Architecture architecture;
    private final Map<String, GgufTensor> stored = new LinkedHashMap<>();
    private final Map<String, Weight> weights = new TreeMap<>();
    private final DType dtype;
    private final int layers;
    private final int hidden;
    private final int channels;
    private final int heads;
    private final int keyValueHeads;
    private final int headDim;
    private final int maxPositions;

    private GgufModel(GgufFile file) {
        this.file = file;
        this.metadata = file.metadata();
        this.architecture = architecture(metadata);
        checkKind();
        file.header().tensors().forEach(tensor -> stored.put(tensor.name(), tensor));
        dtype = dtype(file.header().tensors());
        layers = metadata.requiredCount(key("block_count"));
        if (layers > stored.size()) {
            throw wrong("'%s' is %s, but the file has %s tensors, less than one for each layer"
                    .formatted(key("block_count"), layers, stored.size()));
        }
        hidden = bounded("embedding_length", metadata.requiredCount(key("embedding_length")), Limits.CHANNELS);
        channels = perLayer("feed_forward_length").orElseGet(() -> metadata.requiredCount(key("feed_forward_length")));
        heads = perLayer("attention.head_count").orElseGet(() -> metadata.requiredCount(key("attention.head_count")));
        keyValueHeads = perLayer("attention.head_count_kv").orElse(heads);
        if (heads == 0 || keyValueHeads == 0) {
            throw wrong("the model has no attention heads");
        }
        bounded("attention.head_count", heads, Limits.HEADS);
        bounded("attention.head_count_kv", keyValueHeads, Limits.HEADS);
        headDim = bounded("attention.key_length",
                metadata.count(key("attention.key_length")).orElse(hidden / heads), Limits.CHANNELS);
        maxPositions = metadata.requiredCount(key("context_length"));
        checkHeads();
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
        return maxPositions;
    }

    /** config.json. */
    ConfigTree config(GgufTokenizer tokenizer) {
        return ConfigTree.create(Path.of("config.json"), root -> {
            Optional<Integer> window = slidingWindow();
            String type = window.isPresent() ? "mistral" : architecture.id();
            root.putArray("architectures").add(window.isPresent() ? "MistralForCausalLM" : architecture.className());
            root.put("model_type", type).put("torch_dtype", dtype.label()).put("vocab_size", vocabulary())
                    .put("hidden_size", hidden).put("intermediate_size", channels).put("num_hidden_layers", layers)
                    .put("num_attention_heads", heads).put("num_key_value_heads", keyValueHeads)
                    .put("head_dim", headDim).put("hidden_act", "silu").put("max_position_embeddings", maxPositions)
                    .put("rms_norm_eps", requiredNumber("attention.layer_norm_rms_epsilon"))
                    .put("tie_word_embeddings", !weights.containsKey("lm_head.weight")).put("use_cache", true);
            switch (architecture) {
                case LLAMA -> window.ifPresentOrElse(size -> root.put("sliding_window", size),
                        () -> root.put("attention_bias", stored.containsKey("blk.0.attn_q.bias"))
                                .put("mlp_bias", stored.containsKey("blk.0.ffn_up.bias")));
                case QWEN2 -> root.put("use_sliding_window", false);
                case QWEN3 -> root.put("attention_bias", false).put("use_sliding_window", false);
            }
            new GgufRope(file, architecture, Optional.ofNullable(stored.get(ROPE_FACTORS)), headDim, maxPositions)
                    .write(root);
            tokenizer.id("bos").ifPresent(id -> root.put("bos_token_id", id));
            tokenizer.id("eos").ifPresent(id -> root.put("eos_token_id", id));
            tokenizer.id("padding").ifPresent(id -> root.put("pad_token_id", id));
        });
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
        if (metadata.count("split.count").orElse(1) > 1) {
            throw wrong("the file is one of %s parts of a model; put them together with llama-gguf-split --merge"
                    .formatted(metadata.count("split.count").orElseThrow()));
        }
        if (file.header().tensors().isEmpty()) {
            throw wrong("the file has no tensors, only a vocabulary; get one with the model's weights");
        }
        if (metadata.count(key("expert_count")).orElse(0) > 0) {
            throw wrong("the model is a mixture of experts, whose layers cannot be merged here");
        }
        for (String factor : FACTORS) {
            if (metadata.number(key(factor)).orElse(1.0) != 1) {
                throw wrong("'%s' is %s, and no model of this architecture with such a factor is known here"
                        .formatted(key(factor), metadata.number(key(factor)).orElseThrow()));
            }
        }
        for (String limit : LIMITS) {
            if (metadata.number(key(limit)).orElse(0.0) != 0) {
                throw wrong("'%s' is %s, and no model of this architecture with such a limit is known here"
                        .formatted(key(limit), metadata.number(key(limit)).orElseThrow()));
            }
        }
    }

    private void checkHeads() {
        if (heads % keyValueHeads != 0) {
            throw wrong("there are %s query heads, which is not a multiple of the %s key-value heads".formatted(heads,
                    keyValueHeads));
        }
        if (headDim < 2 || headDim % 2 != 0) {
            throw wrong("a head has %s channels, where an even number is expected".formatted(headDim));
        }
        int valueLength = metadata.count(key("attention.value_length")).orElse(headDim);
        if (valueLength != headDim) {
            throw wrong("keys have %s channels and values %s, where the same number is expected".formatted(headDim,
                    valueLength));
        }
        int turned = metadata.count(key("rope.dimension_count")).orElse(headDim);
        if (turned != headDim) {
            throw wrong("positions turn %s of the %s channels of a head, where all are expected".formatted(turned,
                    headDim));
        }
    }

    /** Finds every tensor of the architecture and makes sure that there is no other. */
    private void collect() {
        long queries = (long) heads * headDim;
        long keys = (long) keyValueHeads * headDim;
        add("token_embd.weight", "model.embed_tokens.weight", 0, vocabulary(), hidden);
        add("output_norm.weight", "model.norm.weight", 0, hidden);
        if (stored.containsKey("output.weight")) {
            add("output.weight", "lm_head.weight", 0, vocabulary(), hidden);
        }
        boolean biases = stored.containsKey("blk.0.attn_q.bias") && !architecture.inputBiases();
        boolean channelBiases = stored.containsKey("blk.0.ffn_up.bias");
        for (int layer = 0; layer < layers; layer++) {
            String from = "blk.%s.".formatted(layer);
            String to = "model.layers.%s.".formatted(layer);
            add(from + "attn_norm.weight", to + "input_layernorm.weight", 0, hidden);
            add(from + "ffn_norm.weight", to + "post_attention_layernorm.weight", 0, hidden);
            projection(from + "attn_q", to + "self_attn.q_proj", heads, biases || architecture.inputBiases(), queries,
                    hidden);
            projection(from + "attn_k", to + "self_attn.k_proj", keyValueHeads, biases || architecture.inputBiases(),
                    keys, hidden);
            projection(from + "attn_v", to + "self_attn.v_proj", 0, biases || architecture.inputBiases(), keys, hidden);
            projection(from + "attn_output", to + "self_attn.o_proj", 0, biases, hidden, queries);
            if (architecture.headNorms()) {
                add(from + "attn_q_norm.weight", to + "self_attn.q_norm.weight", 0, headDim);
                add(from + "attn_k_norm.weight", to + "self_attn.k_norm.weight", 0, headDim);
            }
            projection(from + "ffn_gate", to + "mlp.gate_proj", 0, channelBiases, channels, hidden);
            projection(from + "ffn_up", to + "mlp.up_proj", 0, channelBiases, channels, hidden);
            projection(from + "ffn_down", to + "mlp.down_proj", 0, channelBiases, hidden, channels);
        }
        Set<String> used = weights.values().stream().map(weight -> weight.source().name()).collect(Collectors.toSet());
        for (String name : stored.keySet()) {
            if (!used.contains(name) && !name.equals(ROPE_FACTORS)) {
                throw wrong(
                        "tensor '%s' has no place in a model of the architecture '%s' with %s layers".formatted(
                                Shown.of(name),
                                architecture.id(), layers));
            }
        }
    }

    private void projection(String from, String to, int rotaryHeads, boolean bias, long rows, long columns) {
        add(from + ".weight", to + ".weight", rotaryHeads, rows, columns);
        if (bias) {
            add(from + ".bias", to + ".bias", rotaryHeads, rows);
        }
    }

    private void add(String from, String to, int rotaryHeads, long... shape) {
        GgufTensor tensor = required(from);
        List<Long> expected = LongStream.of(shape).boxed().toList();
        if (!tensor.shape().equals(expected)) {
            throw wrong("tensor '%s' has shape %s, but the keys make it %s".formatted(from, tensor.shape(), expected));
        }
        int turnedHeads = architecture.interleaved() ? rotaryHeads : 0;
        weights.put(to, new Weight(new TensorSpec(to, dtype, expected),
                turnedHeads > 0 && expected.size() == 1 ? asColumn(tensor) : tensor, turnedHeads));
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
                    architecture.id(), layers));
        }
        return tensor;
    }

    private int vocabulary() {
        return Math.toIntExact(required("token_embd.weight").shape().getFirst());
    }

    private static DType dtype(List<GgufTensor> tensors) {
        List<GgufType> types = tensors.stream().filter(tensor -> tensor.shape().size() > 1).map(GgufTensor::type)
                .distinct().toList();
        if (!types.stream().allMatch(type -> type == GgufType.F32 || type == GgufType.F16)) {
            return DType.BF16;
        }
        return types.contains(GgufType.F32) ? DType.F32 : DType.F16;
    }

    /** Mistral is a Llama to GGUF, but for the window that newer files name. */
    private Optional<Integer> slidingWindow() {
        return architecture == Architecture.LLAMA && !stored.containsKey("blk.0.attn_q.bias")
                ? metadata.count(key("attention.sliding_window")).filter(window -> window > 0)
                : Optional.empty();
    }

    private int bounded(String name, int number, int limit) {
        Limits.check(file.file(), "'%s'".formatted(key(name)), number, limit);
        return number;
    }

    private Optional<Integer> perLayer(String name) {
        return metadata.sameCount(key(name), "layers of different sizes cannot be merged");
    }

    private double requiredNumber(String name) {
        return metadata.number(key(name)).orElseThrow(
                () -> wrong("the key '%s' is missing; it must be a number".formatted(key(name))));
    }

    private String key(String name) {
        return architecture.id() + "." + name;
    }

    private CheckpointException wrong(String problem) {
        return new CheckpointException("%s: %s".formatted(file.file(), problem));
    }
}
