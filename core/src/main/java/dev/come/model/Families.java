package dev.come.model;

import static dev.come.model.Part.*;

import dev.come.model.Family.Names;
import dev.come.model.Family.Setting;
import dev.come.model.Family.SlidingLayers;
import java.util.List;
import java.util.Optional;

/**
 * The families that are known, each described by what is different about it. Names and defaults are those of the configuration
 * and model classes in transformers.
 */
public final class Families {
    private static final String ATTENTION_BIAS = "attention_bias";
    private static final String MLP_BIAS = "mlp_bias";
    private static final String TIED = "tie_word_embeddings";
    private static final String WINDOW = "sliding_window";
    private static final String EPSILON = "rms_norm_eps";

    private Families() {
    }

    /** What Llama has in its layers, and most families have as it has it. */
    private static Family.Builder llamaLike(String modelType, String architecture) {
        return Family.describe(modelType, architecture).part(ATTENTION_NORM, "input_layernorm.weight")
                .part(QUERY, "self_attn.q_proj.weight").part(KEY, "self_attn.k_proj.weight")
                .part(VALUE, "self_attn.v_proj.weight").part(OUTPUT, "self_attn.o_proj.weight")
                .part(FEED_FORWARD_NORM, "post_attention_layernorm.weight").part(GATE, "mlp.gate_proj.weight")
                .part(UP, "mlp.up_proj.weight").part(DOWN, "mlp.down_proj.weight")
                .ignoring("rotary_emb.inv_freq");
    }

    private static Family.Builder attentionBiases(Family.Builder family) {
        return family.part(QUERY_BIAS, "self_attn.q_proj.bias").part(KEY_BIAS, "self_attn.k_proj.bias")
                .part(VALUE_BIAS, "self_attn.v_proj.bias").part(OUTPUT_BIAS, "self_attn.o_proj.bias")
                .onlyIf(ATTENTION_BIAS, false, QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS);
    }

    private static Family.Builder feedForwardBiases(Family.Builder family) {
        return family.part(GATE_BIAS, "mlp.gate_proj.bias").part(UP_BIAS, "mlp.up_proj.bias")
                .part(DOWN_BIAS, "mlp.down_proj.bias").onlyIf(MLP_BIAS, false, GATE_BIAS, UP_BIAS, DOWN_BIAS);
    }

    private static Family.Builder headNorms(Family.Builder family) {
        return family.part(QUERY_NORM, "self_attn.q_norm.weight").part(KEY_NORM, "self_attn.k_norm.weight");
    }

    /** Norms around attention and around feed-forward. */
    private static Family.Builder sandwiched(Family.Builder family) {
        return family.part(ATTENTION_OUTPUT_NORM, "post_attention_layernorm.weight")
                .part(FEED_FORWARD_NORM, "pre_feedforward_layernorm.weight")
                .part(FEED_FORWARD_OUTPUT_NORM, "post_feedforward_layernorm.weight");
    }

    /** Llama 1, 2, 3 and what is stored like it: Vicuna, SmolLM, TinyLlama, Yi ... */
    public static final Family LLAMA = feedForwardBiases(attentionBiases(llamaLike("llama", "LlamaForCausalLM")))
            .checkedBy("llama-mha", "llama-gqa", "llama-mqa", "llama3-rope", "llama-bias", "llama-bf16-sharded",
                    "llama-fp16", "llama-deep");

    private static final Family MISTRAL = llamaLike("mistral", "MistralForCausalLM").fallback(WINDOW, 4096)
            .sliding(SlidingLayers.ALL).checkedBy("mistral-gqa");

    private static final Family QWEN2 = llamaLike("qwen2", "Qwen2ForCausalLM")
            .part(QUERY_BIAS, "self_attn.q_proj.bias").part(KEY_BIAS, "self_attn.k_proj.bias")
            .part(VALUE_BIAS, "self_attn.v_proj.bias").fallback("use_sliding_window", false).fallback(WINDOW, 4096)
            .fallback("max_window_layers", 28).sliding(SlidingLayers.UPPER).checkedBy("qwen2");

    private static final Family QWEN3 = headNorms(attentionBiases(llamaLike("qwen3", "Qwen3ForCausalLM")))
            .fallback("head_dim", 128).fallback("use_sliding_window", false).fallback(WINDOW, 4096)
            .fallback("max_window_layers", 28).sliding(SlidingLayers.UPPER).checkedBy("qwen3");

    /** Norms before or after, learned positions, no gate; the 350-million model has narrow embeddings besides. */
    private static final Family OPT = Family.describe("opt", "OPTForCausalLM")
            .outside(new Names("model.decoder.embed_tokens.weight", Optional.of("model.decoder.embed_positions.weight"),
                    Optional.of("model.decoder.project_in.weight"), "model.decoder.final_layer_norm.weight",
                    Optional.of("model.decoder.project_out.weight"), "lm_head.weight"), "model.decoder.layers.")
            .biased(ATTENTION_NORM, ATTENTION_NORM_BIAS, "self_attn_layer_norm")
            .biased(QUERY, QUERY_BIAS, "self_attn.q_proj").biased(KEY, KEY_BIAS, "self_attn.k_proj")
            .biased(VALUE, VALUE_BIAS, "self_attn.v_proj").biased(OUTPUT, OUTPUT_BIAS, "self_attn.out_proj")
            .biased(FEED_FORWARD_NORM, FEED_FORWARD_NORM_BIAS, "final_layer_norm").biased(UP, UP_BIAS, "fc1")
            .biased(DOWN, DOWN_BIAS, "fc2")
            .onlyIf("enable_bias", true, QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS, UP_BIAS, DOWN_BIAS)
            .norm(Norm.Kind.LAYER).key("hidden_act", "activation_function").key("intermediate_size", "ffn_dim")
            .key("embedding_size", "word_embed_proj_dim").key(EPSILON, "layer_norm_eps")
            .fallback("activation_function", "relu").fallback("layer_norm_eps", 1e-5).fallback(TIED, true)
            .reads(Setting.NORM_PLACE).checkedBy("opt", "opt-350m-like");

    private static final Family PHI3 = llamaLike("phi3", "Phi3ForCausalLM")
            .part(QUERY, "self_attn.qkv_proj.weight").part(KEY, "self_attn.qkv_proj.weight")
            .part(VALUE, "self_attn.qkv_proj.weight").part(GATE, "mlp.gate_up_proj.weight")
            .part(UP, "mlp.gate_up_proj.weight").fallback(EPSILON, 1e-5).sliding(SlidingLayers.ALL).checkedBy("phi3");

    private static final Family OLMO2 = attentionBiases(llamaLike("olmo2", "Olmo2ForCausalLM"))
            .without(ATTENTION_NORM, FEED_FORWARD_NORM)
            .part(ATTENTION_OUTPUT_NORM, "post_attention_layernorm.weight")
            .part(FEED_FORWARD_OUTPUT_NORM, "post_feedforward_layernorm.weight")
            .part(ALL_QUERIES_NORM, "self_attn.q_norm.weight").part(ALL_KEYS_NORM, "self_attn.k_norm.weight")
            .fallback(EPSILON, 1e-5).checkedBy("olmo2");

    private static final Family GEMMA2 = sandwiched(attentionBiases(llamaLike("gemma2", "Gemma2ForCausalLM")))
            .norm(Norm.Kind.RMS_PLUS_ONE).key("hidden_act", "hidden_activation")
            .fallback("hidden_activation", "gelu_pytorch_tanh").fallback("head_dim", 256).fallback(TIED, true)
            .fallback(WINDOW, 4096).fallback("query_pre_attn_scalar", 256).fallback("attn_logit_softcapping", 50.0)
            .fallback("final_logit_softcapping", 30.0).sliding(SlidingLayers.ALTERNATING)
            .reads(Setting.SCALED_EMBEDDING, Setting.QUERY_SCALE, Setting.SOFT_CAPS).checkedBy("gemma2");

    private static final Family GEMMA3 = headNorms(
            sandwiched(attentionBiases(llamaLike("gemma3_text", "Gemma3ForCausalLM")))).norm(Norm.Kind.RMS_PLUS_ONE)
            .key("hidden_act", "hidden_activation").fallback("hidden_activation", "gelu_pytorch_tanh")
            .fallback("head_dim", 256).fallback(TIED, true).fallback(WINDOW, 4096)
            .fallback("query_pre_attn_scalar", 256).fallback("sliding_window_pattern", 6)
            .sliding(SlidingLayers.ALL_BUT_SOME)
            .reads(Setting.SCALED_EMBEDDING, Setting.QUERY_SCALE, Setting.SOFT_CAPS, Setting.LOCAL_ROTATION)
            .checkedBy("gemma3");

    private static final Family GRANITE = feedForwardBiases(
            attentionBiases(llamaLike("granite", "GraniteForCausalLM"))).reads(Setting.MULTIPLIERS)
            .checkedBy("granite");

    private static final Family SMOLLM3 = feedForwardBiases(
            attentionBiases(llamaLike("smollm3", "SmolLM3ForCausalLM"))).fallback("use_sliding_window", false)
            .fallback("no_rope_layer_interval", 4).fallback(TIED, true).sliding(SlidingLayers.ALL)
            .reads(Setting.LAYERS_WITHOUT_POSITIONS).checkedBy("smollm3");

    private static final Family STARCODER2 = Family.describe("starcoder2", "Starcoder2ForCausalLM")
            .biased(ATTENTION_NORM, ATTENTION_NORM_BIAS, "input_layernorm")
            .biased(QUERY, QUERY_BIAS, "self_attn.q_proj").biased(KEY, KEY_BIAS, "self_attn.k_proj")
            .biased(VALUE, VALUE_BIAS, "self_attn.v_proj").biased(OUTPUT, OUTPUT_BIAS, "self_attn.o_proj")
            .biased(FEED_FORWARD_NORM, FEED_FORWARD_NORM_BIAS, "post_attention_layernorm")
            .biased(UP, UP_BIAS, "mlp.c_fc").biased(DOWN, DOWN_BIAS, "mlp.c_proj")
            .onlyIf("use_bias", true, QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS, UP_BIAS, DOWN_BIAS)
            .norm(Norm.Kind.LAYER).key(EPSILON, "norm_epsilon").fallback("norm_epsilon", 1e-5)
            .fallback("hidden_act", "gelu_pytorch_tanh").fallback(TIED, true).sliding(SlidingLayers.ALL)
            .checkedBy("starcoder2");

    /** All of them; the five of the authors' toolkit first. */
    public static final List<Family> ALL = List.of(LLAMA, OPT, QWEN2, QWEN3, MISTRAL, PHI3, OLMO2, GEMMA2, GEMMA3,
            GRANITE, SMOLLM3, STARCODER2);
}
