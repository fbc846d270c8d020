package dev.come.model;

import static dev.come.model.Descriptions.*;
import static dev.come.model.Part.*;

import dev.come.model.Family.Names;
import dev.come.model.Family.SlidingLayers;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The families that are known, each described by what is different about it. Names and defaults are those of the configuration
 * and model classes in transformers.
 */
public final class Families {
    private Families() {
    }

    /** Llama 1, 2, 3 and what is stored like it: Vicuna, SmolLM, TinyLlama, Yi ... */
    public static final Family LLAMA = feedForwardBiases(attentionBiases(llamaLike("llama", "LlamaForCausalLM")))
            .models("Llama 1 to 3.x, Vicuna, SmolLM2, TinyLlama, Yi").checkedBy("llama-mha", "llama-gqa", "llama-mqa",
                    "llama3-rope", "llama-bias", "llama-bf16-sharded",
                    "llama-fp16", "llama-deep");

    private static final Family MISTRAL = llamaLike("mistral", "MistralForCausalLM")
            .sizes(32_000, 4096, 14_336, 32, 32, 131_072).fallback(KEY_VALUE_HEADS, 8).fallback(WINDOW, 4096)
            .optional(LAYER_TYPES).sliding(SlidingLayers.ALL).models("Mistral 7B").checkedBy("mistral-gqa");

    static final Family QWEN2 = llamaLike("qwen2", "Qwen2ForCausalLM")
            .part(QUERY_BIAS, "self_attn.q_proj.bias").part(KEY_BIAS, "self_attn.k_proj.bias")
            .part(VALUE_BIAS, "self_attn.v_proj.bias").sizes(151_936, 4096, 22_016, 32, 32, 32_768)
            .fallback(KEY_VALUE_HEADS, 32).fallback(USE_WINDOW, false).fallback(WINDOW, 4096)
            .fallback("max_window_layers", 28).optional(LAYER_TYPES, Family.END_OF_TEXT).sliding(SlidingLayers.UPPER)
            .models("Qwen 1.5, 2, 2.5").checkedBy("qwen2");

    private static final Family QWEN3 = headNorms(attentionBiases(llamaLike("qwen3", "Qwen3ForCausalLM")))
            .sizes(151_936, 4096, 22_016, 32, 32, 32_768).fallback(KEY_VALUE_HEADS, 32).fallback(HEAD_DIM, 128)
            .fallback(USE_WINDOW, false).fallback(WINDOW, 4096).fallback("max_window_layers", 28)
            .optional(LAYER_TYPES, Family.END_OF_TEXT).sliding(SlidingLayers.UPPER).models("Qwen 3").checkedBy("qwen3");

    /** Norms before or after, learned positions, no gate; the 350-million model has narrow embeddings besides. */
    private static final Family OPT = Family.describe("opt", "OPTForCausalLM")
            .outside(new Names("model.decoder.embed_tokens.weight", Optional.of("model.decoder.embed_positions.weight"),
                    Optional.of("model.decoder.project_in.weight"), "model.decoder.final_layer_norm.weight",
                    Optional.of("model.decoder.project_out.weight"), "lm_head.weight", Optional.empty()),
                    "model.decoder.layers.")
            .biased(ATTENTION_NORM, ATTENTION_NORM_BIAS, "self_attn_layer_norm")
            .biased(QUERY, QUERY_BIAS, "self_attn.q_proj").biased(KEY, KEY_BIAS, "self_attn.k_proj")
            .biased(VALUE, VALUE_BIAS, "self_attn.v_proj").biased(OUTPUT, OUTPUT_BIAS, "self_attn.out_proj")
            .biased(FEED_FORWARD_NORM, FEED_FORWARD_NORM_BIAS, "final_layer_norm").biased(UP, UP_BIAS, "fc1")
            .biased(DOWN, DOWN_BIAS, "fc2")
            .onlyIf("enable_bias", true, QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS, UP_BIAS, DOWN_BIAS)
            .norm(Norm.Kind.LAYER).key(ACTIVATION, "activation_function").key("intermediate_size", "ffn_dim")
            .key("embedding_size", "word_embed_proj_dim").sizes(50_272, 768, 3072, 12, 12, 2048)
            .optional("word_embed_proj_dim").fallback("activation_function", "relu")
            .fallback("do_layer_norm_before", true).fallback("_remove_final_layer_norm", false)
            .fallback("layer_norm_elementwise_affine", true).fallback(TIED, true).endsWith(2)
            .models("OPT").checkedBy("opt", "opt-350m-like");

    private static final Family PHI3 = llamaLike("phi3", "Phi3ForCausalLM")
            .part(QUERY, "self_attn.qkv_proj.weight").part(KEY, "self_attn.qkv_proj.weight")
            .part(VALUE, "self_attn.qkv_proj.weight").part(GATE, "mlp.gate_up_proj.weight")
            .part(UP, "mlp.gate_up_proj.weight").sizes(32_064, 3072, 8192, 32, 32, 4096)
            .fallback(TRAINED_POSITIONS, 4096).fallback(EPSILON, 1e-5).optional(WINDOW).fallback(RopeReader.SHARE, 1.0)
            .endsWith(32_000).sliding(SlidingLayers.ALL).olderScaling("short_factor", "long_factor")
            .models("Phi-3, Phi-3.5, Phi-4, Phi-4-mini").checkedBy("phi3", "phi4-mini");

    private static final Family OLMO2 = inputNorms(
            normedBehind(attentionBiases(llamaLike("olmo2", "Olmo2ForCausalLM"))))
            .sizes(50_304, 4096, 11_008, 32, 32, 2048).fallback(EPSILON, 1e-5).endsWith(50_279)
            .olderScaling("factor").models("OLMo 2").checkedBy("olmo2");

    /** What Gemma 2 and 3 have in common. */
    private static FamilyBuilder gemma(String modelType, String architecture) {
        return sandwiched(attentionBiases(llamaLike(modelType, architecture))).norm(Norm.Kind.RMS_PLUS_ONE)
                .key(ACTIVATION, "hidden_activation")
                .fallback("hidden_activation", "gelu_pytorch_tanh").fallback(KEY_VALUE_HEADS, 4).fallback(HEAD_DIM, 256)
                .fallback(TIED, true).fallback(WINDOW, 4096).optional(LAYER_TYPES)
                .fallback("query_pre_attn_scalar", 256)
                .has(Trait.SCALED_EMBEDDING).endsWith(1);
    }

    private static final Family GEMMA2 = gemma("gemma2", "Gemma2ForCausalLM")
            .sizes(256_000, 2304, 9216, 26, 8, 8192).fallback("attn_logit_softcapping", 50.0)
            .fallback("final_logit_softcapping", 30.0).sliding(SlidingLayers.ALTERNATING).models("Gemma 2")
            .checkedBy("gemma2");

    static final Family GEMMA3 = headNorms(gemma("gemma3_text", "Gemma3ForCausalLM"))
            .sizes(262_208, 2304, 9216, 26, 8, 131_072).optional("attn_logit_softcapping", "final_logit_softcapping")
            .fallback(ROPE_THETA, 1_000_000.0).fallback(RopeReader.LOCAL_THETA, 10_000.0)
            .fallback("sliding_window_pattern", 6).sliding(SlidingLayers.ALL_BUT_SOME).models("Gemma 3 (text)")
            .checkedBy("gemma3");

    private static final Family GRANITE = feedForwardBiases(
            attentionBiases(llamaLike("granite", "GraniteForCausalLM"))).fallback("embedding_multiplier", 1.0)
            .fallback("attention_multiplier", 1.0).fallback("residual_multiplier", 1.0)
            .fallback("logits_scaling", 1.0).models("Granite 3").checkedBy("granite");

    private static final Family SMOLLM3 = feedForwardBiases(
            attentionBiases(llamaLike("smollm3", "SmolLM3ForCausalLM")))
            .sizes(128_256, 2048, 11_008, 36, 16, 32_768).fallback(KEY_VALUE_HEADS, 4)
            .fallback(ROPE_THETA, 2_000_000.0).fallback(USE_WINDOW, false).optional(WINDOW, LAYER_TYPES)
            .optional(LayerLists.WITH_ROTATION).fallback("no_rope_layer_interval", 4).fallback(TIED, true)
            .endsWith(128_001).sliding(SlidingLayers.WITHOUT_POSITIONS).models("SmolLM3").checkedBy("smollm3");

    private static final Family STARCODER2 = Family.describe("starcoder2", "Starcoder2ForCausalLM")
            .biased(ATTENTION_NORM, ATTENTION_NORM_BIAS, "input_layernorm")
            .biased(QUERY, QUERY_BIAS, "self_attn.q_proj").biased(KEY, KEY_BIAS, "self_attn.k_proj")
            .biased(VALUE, VALUE_BIAS, "self_attn.v_proj").biased(OUTPUT, OUTPUT_BIAS, "self_attn.o_proj")
            .biased(FEED_FORWARD_NORM, FEED_FORWARD_NORM_BIAS, "post_attention_layernorm")
            .biased(UP, UP_BIAS, "mlp.c_fc").biased(DOWN, DOWN_BIAS, "mlp.c_proj")
            .onlyIf("use_bias", true, QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS, UP_BIAS, DOWN_BIAS)
            .norm(Norm.Kind.LAYER).sizes(49_152, 3072, 12_288, 30, 24, 4096).fallback(KEY_VALUE_HEADS, 2)
            .optional(HEAD_DIM, WINDOW, TRAINED_POSITIONS).fallback(ACTIVATION, "gelu_pytorch_tanh")
            .key(EPSILON, "norm_epsilon").fallback("norm_epsilon", 1e-5).fallback(ROPE_THETA, 10_000.0)
            .fallback(TIED, true).endsWith(50_256).sliding(SlidingLayers.ALL).models("StarCoder2")
            .checkedBy("starcoder2");

    /** All of them; the five of the authors' toolkit first. */
    public static final List<Family> ALL = Stream.of(
            List.of(LLAMA, OPT, QWEN2, QWEN3, MISTRAL, PHI3, OLMO2, GEMMA2, GEMMA3, GRANITE, SMOLLM3, STARCODER2),
            LlamaLikeFamilies.ALL, TurningFamilies.ALL, SideBySideFamilies.ALL).flatMap(List::stream).toList();
}
