package dev.come.model;

import static dev.come.model.Descriptions.*;
import static dev.come.model.Part.*;

import dev.come.model.Family.Names;
import dev.come.model.Family.SlidingLayers;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Families whose layers are those of an older one but for names, norms, biases, windows and defaults. */
final class LlamaLikeFamilies {
    private LlamaLikeFamilies() {
    }

    private static final Family GEMMA = attentionBiases(llamaLike("gemma", "GemmaForCausalLM"))
            .norm(Norm.Kind.RMS_PLUS_ONE).sizes(256_000, 3072, 24_576, 28, 16, 8192)
            .fallback(KEY_VALUE_HEADS, 16).fallback(HEAD_DIM, 256).fallback(ACTIVATION, "gelu_pytorch_tanh")
            .fallback(TIED, true).has(Trait.SCALED_EMBEDDING, Trait.GELU_IS_TANH).endsWith(1).models("Gemma 1")
            .checkedBy("gemma");

    private static final Family VAULTGEMMA = attentionBiases(llamaLike("vaultgemma", "VaultGemmaForCausalLM"))
            .part(FEED_FORWARD_NORM, "pre_feedforward_layernorm.weight").norm(Norm.Kind.RMS_PLUS_ONE)
            .key(ACTIVATION, "hidden_activation").sizes(256_000, 2304, 9216, 26, 8, 8192)
            .fallback("hidden_activation", "gelu_pytorch_tanh").fallback(KEY_VALUE_HEADS, 4).fallback(HEAD_DIM, 256)
            .fallback(TIED, true).fallback(WINDOW, 4096).optional(LAYER_TYPES).fallback("query_pre_attn_scalar", 256)
            .fallback("attn_logit_softcapping", 50.0).fallback("final_logit_softcapping", 30.0)
            .has(Trait.SCALED_EMBEDDING).endsWith(1).sliding(SlidingLayers.ALTERNATING).models("VaultGemma")
            .checkedBy("vaultgemma");

    private static final Family SEED_OSS = feedForwardBiases(
            inputBiases(llamaLike("seed_oss", "SeedOssForCausalLM"), ATTENTION_BIAS, true))
            .part(OUTPUT_BIAS, "self_attn.o_proj.bias").onlyIf("attention_out_bias", false, OUTPUT_BIAS)
            .sizes(155_136, 4096, 27_648, 64, 80, 524_288).fallback(KEY_VALUE_HEADS, 8).fallback(HEAD_DIM, 128)
            .models("Seed-OSS").checkedBy("seed_oss");

    private static final Family QWEN2_5_VL_TEXT = inTheWhole(llamaLike("qwen2_5_vl_text", "Qwen2_5_VLTextModel"))
            .part(QUERY_BIAS, "self_attn.q_proj.bias").part(KEY_BIAS, "self_attn.k_proj.bias")
            .part(VALUE_BIAS, "self_attn.v_proj.bias").sizes(152_064, 8192, 29_568, 80, 64, 32_768)
            .fallback(KEY_VALUE_HEADS, 8).without(HEAD_DIM).fallback(EPSILON, 1e-5).fallback(ROPE_THETA, 1_000_000.0)
            .fallback(USE_WINDOW, false).fallback(WINDOW, 4096).fallback("max_window_layers", 80)
            .optional(LAYER_TYPES).endsWith(151_645).sliding(SlidingLayers.UPPER)
            .models("Qwen 2.5 VL (text)").checkedBy("qwen2_5_vl", "qwen2_5_vl-flat");

    private static final Family QWEN3_VL_TEXT = headNorms(
            attentionBiases(inTheWhole(llamaLike("qwen3_vl_text", "Qwen3VLTextModel"))))
            .sizes(151_936, 4096, 22_016, 32, 32, 128_000).fallback(KEY_VALUE_HEADS, 32).fallback(HEAD_DIM, 128)
            .fallback(ROPE_THETA, 500_000.0).without(Family.END_OF_TEXT).models("Qwen 3 VL (text)")
            .checkedBy("qwen3_vl");

    /** There are no such models by themselves: whether embeddings are tied is said of the whole. */
    private static FamilyBuilder inTheWhole(FamilyBuilder family) {
        return family.has(Trait.POSITIONS_IN_SECTIONS);
    }

    private static final Family MINISTRAL = llamaLike("ministral", "MinistralForCausalLM")
            .sizes(32_000, 4096, 14_336, 32, 32, 131_072).fallback(KEY_VALUE_HEADS, 8).fallback(WINDOW, 4096)
            .optional(LAYER_TYPES).sliding(SlidingLayers.ALL).models("Ministral 8B (2024)").checkedBy("ministral");

    private static final Family OLMO3 = inputNorms(
            normedBehind(attentionBiases(llamaLike("olmo3", "Olmo3ForCausalLM"))))
            .sizes(50_304, 4096, 11_008, 32, 32, 2048).fallback(EPSILON, 1e-5).fallback(ROPE_THETA, 500_000.0)
            .fallback(RopeReader.LOCAL_THETA, 500_000.0)
            .has(Trait.LOCAL_BASE_IS_FIXED).fallback(WINDOW, 4096).optional(LAYER_TYPES).endsWith(50_279)
            .sliding(SlidingLayers.ALL_BUT_FOURTH).models("OLMo 3").checkedBy("olmo3");

    private static final Family OLMO = attentionBiases(llamaLike("olmo", "OlmoForCausalLM"))
            .without(ATTENTION_NORM, FEED_FORWARD_NORM).has(Trait.NORMS_WITHOUT_WEIGHTS).norm(Norm.Kind.LAYER)
            .without(EPSILON).refusing("clip_qkv").sizes(50_304, 4096, 11_008, 32, 32, 2048).endsWith(50_279)
            .models("OLMo 1").checkedBy("olmo");

    private static final Family INTERNLM3 = feedForwardBiases(
            attentionBiases(llamaLike("internlm3", "LlamaForCausalLM")))
            .sizes(128512, 4096, 10240, 48, 32, 32768)
            .fallback(KEY_VALUE_HEADS, 2).fallback(HEAD_DIM, 128).fallback(EPSILON, 1e-05).models("InternLM3")
            .checkedBy("internlm3");

    /** EXAONE 3 as transformers 5 saves it; the files that it was published in call the number of layers otherwise. */
    private static final Family EXAONE = attentionBiases(llamaLike("exaone", "LlamaForCausalLM"))
            .outside(Names.plain("transformer.wte.weight", "transformer.ln_f.weight", "lm_head.weight"),
                    "transformer.h.")
            .part(ATTENTION_NORM, "ln_1.weight").biased(QUERY, QUERY_BIAS, "attn.attention.q_proj")
            .biased(KEY, KEY_BIAS, "attn.attention.k_proj").biased(VALUE, VALUE_BIAS, "attn.attention.v_proj")
            .biased(OUTPUT, OUTPUT_BIAS, "attn.attention.out_proj").part(FEED_FORWARD_NORM, "ln_2.weight")
            .biased(GATE, GATE_BIAS, "mlp.c_fc_0").biased(UP, UP_BIAS, "mlp.c_fc_1")
            .biased(DOWN, DOWN_BIAS, "mlp.c_proj")
            .onlyIf(MLP_BIAS, false, GATE_BIAS, UP_BIAS, DOWN_BIAS).refusing("num_layers")
            .refusing("layer_norm_epsilon").refusing("activation_function").sizes(102_400, 4096, 14_336, 32, 32, 4096)
            .fallback(KEY_VALUE_HEADS, 8).fallback(EPSILON, 1e-5).fallback(ROPE_THETA, 500_000.0).endsWith(361)
            .models("EXAONE 3").checkedBy("exaone");

    private static final Family CWM = feedForwardBiases(llamaLike("cwm", "CwmForCausalLM"))
            .sizes(128_256, 6144, 21_504, 64, 48, 131_072).fallback(KEY_VALUE_HEADS, 8).fallback(HEAD_DIM, 128)
            .fallback(EPSILON, 1e-5).fallback(ROPE_THETA, 1_000_000.0)
            .fallback(Family.ROTATION, Map.of("rope_type", "llama3", ROPE_THETA, 1_000_000.0, "factor", 16.0,
                    "high_freq_factor", 4.0, "low_freq_factor", 1.0, TRAINED_POSITIONS, 8192))
            .fallback(WINDOW, 8192).optional(LAYER_TYPES, Family.END_OF_TEXT)
            .sliding(SlidingLayers.ALL_BUT_FIRST_OF_FOUR).models("Code World Model").checkedBy("cwm");

    private static final Family HYPERCLOVAX = feedForwardBiases(
            attentionBiases(llamaLike("hyperclovax", "HyperCLOVAXForCausalLM")))
            .part(ATTENTION_OUTPUT_NORM, "post_norm1.weight").part(FEED_FORWARD_OUTPUT_NORM, "post_norm2.weight")
            .onlyIf("use_post_norm", true, ATTENTION_OUTPUT_NORM, FEED_FORWARD_OUTPUT_NORM)
            .fallback("embedding_multiplier", 1.0).optional("attention_multiplier")
            .fallback("residual_multiplier", 1.0).fallback("logits_scaling", 1.0).has(Trait.LOGITS_MULTIPLIED)
            .models("HyperCLOVA X").checkedBy("hyperclovax");

    private static final Family GRANITE_SWA = feedForwardBiases(
            attentionBiases(llamaLike("granite_swa", "GraniteSWAForCausalLM")))
            .part(ATTENTION_SINKS, "self_attn.sinks").sizes(100_352, 2560, 8192, 24, 20, 8192)
            .fallback(KEY_VALUE_HEADS, 4).fallback(EPSILON, 1e-5).fallback(TIED, true).fallback(WINDOW, 128)
            .optional(LAYER_TYPES, LayerLists.BASES).fallback("embedding_multiplier", 1.0)
            .fallback("attention_multiplier", 1.0).fallback("residual_multiplier", 1.0).fallback("logits_scaling", 1.0)
            .endsWith(100_257).sliding(SlidingLayers.ALL_BUT_FIRST_OF_FOUR).models("Granite with windows and sinks")
            .checkedBy("granite_swa");

    private static final Family ARCEE = withoutGate(attentionBiases(llamaLike("arcee", "ArceeForCausalLM")))
            .sizes(32_000, 2560, 18_432, 32, 32, 4096).fallback(EPSILON, 1e-5).endsWith(128_001).models("AFM 4.5B")
            .checkedBy("arcee");

    private static final Family JAIS2 = layerNorms(withoutGate(attentionBiases(llamaLike("jais2", "Jais2ForCausalLM"))))
            .fallback(ATTENTION_BIAS, true).fallback(MLP_BIAS, true).sizes(150_272, 3328, 26_624, 32, 26, 8192)
            .endsWith(150_024).models("Jais 2").checkedBy("jais2");

    /** BitNet with plain weights; the ones that it rounds while it runs are refused as quantised. */
    private static final Family BITNET = attentionBiases(llamaLike("bitnet", "BitNetForCausalLM"))
            .part(ATTENTION_SUB_NORM, "self_attn.attn_sub_norm.weight")
            .part(FEED_FORWARD_SUB_NORM, "mlp.ffn_sub_norm.weight").sizes(128_256, 2560, 6912, 30, 20, 2048)
            .refusing("quantization_config").fallback(KEY_VALUE_HEADS, 5)
            .fallback(ACTIVATION, "relu2").fallback(EPSILON, 1e-5)
            .fallback(ROPE_THETA, 500_000.0).endsWith(128_001).models("BitNet b1.58 with plain weights")
            .checkedBy("bitnet");

    private static final Family APERTUS = headNorms(attentionBiases(llamaLike("apertus", "ApertusForCausalLM")))
            .without(GATE).part(ATTENTION_NORM, "attention_layernorm.weight")
            .part(FEED_FORWARD_NORM, "feedforward_layernorm.weight")
            .part(ACTIVATION_POSITIVE, "mlp.act_fn.alpha_p").part(ACTIVATION_NEGATIVE, "mlp.act_fn.alpha_n")
            .part(ACTIVATION_SLOPE, "mlp.act_fn.beta").part(ACTIVATION_BOUND, "mlp.act_fn.eps")
            .sizes(131_072, 4096, 14_336, 32, 32, 65_536).fallback(ACTIVATION, "xielu")
            .fallback(EPSILON, 1e-5).fallback(ROPE_THETA, 12_000_000.0)
            .fallback(Family.ROTATION, Map.of("rope_type", "llama3", ROPE_THETA, 12_000_000.0, "factor", 8.0,
                    TRAINED_POSITIONS, 8192, "low_freq_factor", 1.0, "high_freq_factor", 4.0))
            .models("Apertus").checkedBy("apertus");

    private static final Family GPT2 = Family.describe("gpt2", "GPT2LMHeadModel").outside(
            new Names("transformer.wte.weight", Optional.of("transformer.wpe.weight"), Optional.empty(),
                    "transformer.ln_f.weight", Optional.empty(), "lm_head.weight", Optional.empty()),
            "transformer.h.")
            .biased(ATTENTION_NORM, ATTENTION_NORM_BIAS, "ln_1").biased(QUERY, QUERY_BIAS, "attn.c_attn")
            .biased(KEY, KEY_BIAS, "attn.c_attn").biased(VALUE, VALUE_BIAS, "attn.c_attn")
            .biased(OUTPUT, OUTPUT_BIAS, "attn.c_proj").biased(FEED_FORWARD_NORM, FEED_FORWARD_NORM_BIAS, "ln_2")
            .biased(UP, UP_BIAS, "mlp.c_fc").biased(DOWN, DOWN_BIAS, "mlp.c_proj")
            .has(Trait.MATRICES_TRANSPOSED, Trait.POSITIONS_FROM_FIRST_ROW, Trait.FOUR_TIMES_AS_WIDE)
            .norm(Norm.Kind.LAYER).key("hidden_size", "n_embd").key("num_hidden_layers", "n_layer")
            .key("num_attention_heads", "n_head").key("max_position_embeddings", "n_positions")
            .key("intermediate_size", "n_inner").key(ACTIVATION, "activation_function")
            .key(EPSILON, "layer_norm_epsilon")
            .fallback("vocab_size", 50_257).fallback("n_embd", 768).fallback("n_layer", 12).fallback("n_head", 12)
            .fallback("n_positions", 1024).optional("n_inner").fallback("activation_function", "gelu_new")
            .fallback("layer_norm_epsilon", 1e-5).fallback(TIED, true).endsWith(50_256)
            .ignoring(".attn.bias", ".attn.masked_bias")
            .fallback("scale_attn_weights", true).fallback("scale_attn_by_inverse_layer_idx", false)
            .refusing("scale_attn_by_inverse_layer_idx")
            .fallback("add_cross_attention", false).refusing("add_cross_attention")
            .models("GPT-2, DistilGPT2").checkedBy("gpt2");

    static final List<Family> ALL = List.of(GEMMA, VAULTGEMMA, SEED_OSS, QWEN2_5_VL_TEXT,
            QWEN3_VL_TEXT, MINISTRAL, OLMO3, OLMO, INTERNLM3, EXAONE, CWM,
            HYPERCLOVAX, GRANITE_SWA, ARCEE, JAIS2, BITNET, APERTUS, GPT2);
}
