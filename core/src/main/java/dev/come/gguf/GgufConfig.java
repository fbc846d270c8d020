package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.Limits;
import dev.come.gguf.Architecture.Trait;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The config.json of the model in a GGUF file. What the file does not say is as llama.cpp has it in its code for the
 * architecture.
 *
 * @param stored the tensors of the file by name
 * @param dtype what the tensors of the folder are
 */
record GgufConfig(GgufFile file, Architecture architecture, GgufSizes sizes, Map<String, GgufTensor> stored,
        DType dtype, int vocabulary) {
    static final String WINDOW = "attention.sliding_window";
    static final String QUERY_BIAS = "blk.0.attn_q.bias";
    static final String UP_BIAS = "blk.0.ffn_up.bias";
    private static final String PATTERN = "attention.sliding_window_pattern";
    private static final String GELU = "gelu_pytorch_tanh";
    /** The window of Gemma 2 where a file has none. */
    private static final int GEMMA2_WINDOW = 4096;
    /** What GPT-2 calls its sizes. */
    private static final Map<String, String> GPT2_NAMES = Map.of("hidden_size", "n_embd", "intermediate_size",
            "n_inner", "num_hidden_layers", "n_layer", "num_attention_heads", "n_head", "max_position_embeddings",
            "n_positions", "hidden_act", "activation_function", "layer_norm_eps", "layer_norm_epsilon");

    ConfigTree tree(GgufTokenizer tokenizer) {
        return ConfigTree.create(Path.of("config.json"), root -> {
            boolean olmo3 = isOlmo3();
            boolean mistral = architecture == Architecture.LLAMA && !stored.containsKey(QUERY_BIAS)
                    && window().isPresent();
            root.putArray("architectures").add(
                    mistral ? "MistralForCausalLM" : olmo3 ? "Olmo3ForCausalLM" : architecture.className());
            root.put("model_type", mistral ? "mistral" : olmo3 ? "olmo3" : architecture.modelType())
                    .put("torch_dtype", dtype.label())
                    .put("vocab_size", vocabulary).put(name("hidden_size"), sizes.hidden())
                    .put(name("intermediate_size"), sizes.channels()).put(name("num_hidden_layers"), sizes.layers())
                    .put(name("num_attention_heads"), sizes.heads())
                    .put(name("max_position_embeddings"), sizes.maxPositions())
                    .put("tie_word_embeddings", !stored.containsKey("output.weight")).put("use_cache", true);
            if (!architecture.has(Trait.LEARNED_POSITIONS)) {
                root.put("num_key_value_heads", sizes.keyValueHeads()).put("head_dim", sizes.headDim());
                new GgufRope(file, architecture, sizes).write(root);
            }
            epsilon(root);
            switch (architecture) {
                case LLAMA -> {
                    if (mistral) {
                        root.put("hidden_act", "silu").put("sliding_window", window().orElseThrow());
                    } else {
                        llama(root);
                    }
                }
                case QWEN2 -> root.put("hidden_act", "silu").put("use_sliding_window", false);
                case QWEN3 -> root.put("hidden_act", "silu").put("attention_bias", false)
                        .put("use_sliding_window", false);
                case GEMMA2, GEMMA3 -> gemma(root);
                case PHI3 -> {
                    root.put("hidden_act", "silu");
                    window().ifPresentOrElse(size -> root.put("sliding_window", size),
                            () -> root.putNull("sliding_window"));
                }
                case OLMO2 -> {
                    root.put("hidden_act", "silu").put("attention_bias", false);
                    if (olmo3) {
                        olmo3(root);
                    }
                }
                case GRANITE -> granite(llama(root));
                case SMOLLM3 -> smollm3(llama(root));
                case STARCODER2 -> root.put("hidden_act", GELU).put("use_bias", stored.containsKey(QUERY_BIAS))
                        .putNull("sliding_window");
                case GPT2 -> root.put(name("hidden_act"), "gelu_new").put("n_ctx", sizes.maxPositions());
            }
            tokenizer.id("bos").ifPresent(id -> root.put("bos_token_id", id));
            tokenizer.id("eos").ifPresent(id -> root.put("eos_token_id", id));
            // Where it is left out, some families have one that the vocabulary may not have.
            tokenizer.id("padding").ifPresentOrElse(id -> root.put("pad_token_id", id),
                    () -> root.putNull("pad_token_id"));
        });
    }

    private String name(String usual) {
        return architecture == Architecture.GPT2 ? GPT2_NAMES.getOrDefault(usual, usual) : usual;
    }

    private void epsilon(ObjectNode root) {
        if (!architecture.has(Trait.LAYER_NORMS)) {
            root.put("rms_norm_eps", required("attention.layer_norm_rms_epsilon"));
            return;
        }
        root.put(architecture == Architecture.STARCODER2 ? "norm_epsilon" : name("layer_norm_eps"),
                required("attention.layer_norm_epsilon"));
    }

    private ObjectNode llama(ObjectNode root) {
        return root.put("hidden_act", "silu").put("attention_bias", stored.containsKey(QUERY_BIAS)).put("mlp_bias",
                stored.containsKey(UP_BIAS));
    }

    /** A factor that is not there, or 0, changes nothing. */
    private void granite(ObjectNode root) {
        root.put("embedding_multiplier", factor("embedding_scale").orElse(1.0))
                .put("residual_multiplier", factor("residual_scale").orElse(1.0))
                .put("logits_scaling", factor("logit_scale").orElse(1.0))
                .put("attention_multiplier", factor("attention.scale").orElse(1 / Math.sqrt(sizes.headDim())));
    }

    private void smollm3(ObjectNode root) {
        root.put("no_rope_layer_interval", 4).put("use_sliding_window", false).putNull("sliding_window");
        ArrayNode turning = root.putArray("no_rope_layers");
        IntStream.range(0, sizes.layers()).forEach(layer -> turning.add((layer + 1) % 4 == 0 ? 0 : 1));
    }

    /** OLMo 3 is an OLMo 2 with windows. */
    private boolean isOlmo3() {
        return architecture == Architecture.OLMO2 && window().isPresent();
    }

    /** Layers that slide turn by the plain frequencies of the same base, whatever scaling the file speaks of. */
    private void olmo3(ObjectNode root) {
        root.put("sliding_window", window().orElseThrow());
        ArrayNode types = root.putArray("layer_types");
        sliding(4).forEach(slides -> types.add(slides ? "sliding_attention" : "full_attention"));
        double theta = root.remove("rope_theta").doubleValue();
        ObjectNode rotations = root.putObject("rope_parameters");
        ObjectNode full = rotations.putObject("full_attention").put("rope_type", "default");
        if (root.remove("rope_scaling") instanceof ObjectNode scaling) {
            full.setAll(scaling);
        }
        full.put("rope_theta", theta);
        rotations.putObject("sliding_attention").put("rope_type", "default").put("rope_theta", theta);
    }

    private void gemma(ObjectNode root) {
        boolean second = architecture == Architecture.GEMMA2;
        Optional<Integer> window = second ? Optional.of(window().orElse(GEMMA2_WINDOW)) : window();
        root.put("hidden_activation", GELU).put("attention_bias", false).put("query_pre_attn_scalar", scoreScale());
        if (second) {
            root.put("attn_logit_softcapping", number("attn_logit_softcapping").orElse(50.0))
                    .put("final_logit_softcapping", number("final_logit_softcapping").orElse(30.0));
        } else {
            root.putNull("attn_logit_softcapping");
            factor("final_logit_softcapping").ifPresentOrElse(cap -> root.put("final_logit_softcapping", cap),
                    () -> root.putNull("final_logit_softcapping"));
            root.put("rope_local_base_freq", number("rope.freq_base_swa").orElse(10_000.0));
        }
        root.put("sliding_window", window.orElse(sizes.maxPositions()));
        ArrayNode types = root.putArray("layer_types");
        List<Boolean> sliding = sliding(second ? 2 : 6);
        sliding.forEach(slides -> types
                .add(slides && window.isPresent() ? "sliding_attention" : "full_attention"));
    }

    /** By the root of what the products of queries and keys are divided: llama.cpp knows the largest models by their layers. */
    private int scoreScale() {
        boolean largest = sizes.layers() == (architecture == Architecture.GEMMA2 ? 46 : 62);
        return largest ? sizes.hidden() / sizes.heads() : sizes.headDim();
    }

    /** Which layers see a window: as a list says, or all but the last of every so many. */
    private List<Boolean> sliding(int usual) {
        String key = key(PATTERN);
        GgufValue value = file.metadata().values().get(key);
        if (value instanceof GgufValue.Items items) {
            Limits.check(file.file(), "the number of elements of '%s'".formatted(key), items.size(), Limits.LAYERS);
            if (items.size() < sizes.layers()) {
                throw wrong("'%s' says of %s layers whether they see a window, but there are %s".formatted(key,
                        items.size(), sizes.layers()));
            }
            return items.stream().limit(sizes.layers()).map(item -> switch (item) {
                case GgufValue.Truth(boolean slides) -> slides;
                case GgufValue.Whole(long number) when number == 0 || number == 1 -> number == 1;
                default -> throw wrong("'%s' holds %s, where true or false is expected".formatted(key, item.kind()));
            }).toList();
        }
        int period = file.metadata().count(key).orElse(usual);
        return IntStream.range(0, sizes.layers()).mapToObj(layer -> period == 0 || (layer + 1) % period != 0).toList();
    }

    private Optional<Integer> window() {
        return file.metadata().count(key(WINDOW)).filter(window -> window > 0);
    }

    private double required(String name) {
        return number(name)
                .orElseThrow(() -> wrong("the key '%s' is missing; it must be a number".formatted(key(name))));
    }

    private Optional<Double> number(String name) {
        return file.metadata().number(key(name));
    }

    private Optional<Double> factor(String name) {
        return number(name).filter(value -> value != 0);
    }

    private String key(String name) {
        return architecture.id() + "." + name;
    }

    private CheckpointException wrong(String problem) {
        return new CheckpointException("%s: %s".formatted(file.file(), problem));
    }
}
