package dev.come.model;

import static dev.come.model.Descriptions.*;
import static dev.come.model.Part.*;

import dev.come.model.Family.Names;
import dev.come.model.Family.SlidingLayers;
import java.util.List;
import java.util.Optional;

/** Families whose attention and feed-forward read the same residual stream, at least in some of their models. */
final class SideBySideFamilies {
    private SideBySideFamilies() {
    }

    /** GPT-NeoX, and Pythia, which most of its models are. */
    private static final Family GPT_NEOX = Family.describe("gpt_neox", "GPTNeoXForCausalLM")
            .outside(Names.plain("gpt_neox.embed_in.weight", "gpt_neox.final_layer_norm.weight", "embed_out.weight"),
                    "gpt_neox.layers.")
            .biased(ATTENTION_NORM, ATTENTION_NORM_BIAS, "input_layernorm")
            .biased(QUERY, QUERY_BIAS, "attention.query_key_value").biased(KEY, KEY_BIAS, "attention.query_key_value")
            .biased(VALUE, VALUE_BIAS, "attention.query_key_value").biased(OUTPUT, OUTPUT_BIAS, "attention.dense")
            .onlyIf(ATTENTION_BIAS, true, QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS)
            .biased(FEED_FORWARD_NORM, FEED_FORWARD_NORM_BIAS, "post_attention_layernorm")
            .biased(UP, UP_BIAS, "mlp.dense_h_to_4h").biased(DOWN, DOWN_BIAS, "mlp.dense_4h_to_h")
            .norm(Norm.Kind.LAYER).key(EPSILON, LAYER_EPSILON).fallback(LAYER_EPSILON, 1e-5)
            .sizes(50_432, 6144, 24_576, 44, 64, 2048).fallback(ACTIVATION, "gelu")
            .key(ROPE_THETA, "rotary_emb_base").fallback("rotary_emb_base", 10_000.0)
            .key(RopeReader.SHARE, "rotary_pct").fallback("rotary_pct", 0.25).fallback("use_parallel_residual", true)
            .fallback(TIED, false).endsWith(2).has(Trait.SIDE_BY_SIDE, Trait.HEADS_TOGETHER)
            .ignoring("rotary_emb.inv_freq", ".attention.bias", ".attention.masked_bias")
            .models("Pythia, GPT-NeoX 20B").checkedBy("gpt_neox", "gpt_neox-in-turn");

    private static final Family STABLELM = layerNorms(
            inputBiases(llamaLike("stablelm", "StableLmForCausalLM"), "use_qkv_bias", false))
            .sizes(50_304, 2560, 6912, 32, 32, 4096).without(HEAD_DIM).fallback(KEY_VALUE_HEADS, 32)
            .fallback(RopeReader.SHARE, 0.25).fallback("use_parallel_residual", false).fallback("qk_layernorm", false)
            .refusing("qk_layernorm")
            .endsWith(0).has(Trait.SIDE_BY_SIDE, Trait.ONE_NORM_FOR_BOTH).models("StableLM 2, StableLM 3B")
            .checkedBy("stablelm", "stablelm-parallel");

    /** Phi 1, 1.5 and 2. */
    private static final Family PHI = layerNorms(llamaLike("phi", "PhiForCausalLM"))
            .outside(new Names("model.embed_tokens.weight", Optional.empty(), Optional.empty(),
                    "model.final_layernorm.weight", Optional.empty(), "lm_head.weight", Optional.of("lm_head.bias")),
                    "model.layers.")
            .without(GATE, FEED_FORWARD_NORM, FEED_FORWARD_NORM_BIAS).biased(QUERY, QUERY_BIAS, "self_attn.q_proj")
            .biased(KEY, KEY_BIAS, "self_attn.k_proj").biased(VALUE, VALUE_BIAS, "self_attn.v_proj")
            .biased(OUTPUT, OUTPUT_BIAS, "self_attn.dense").biased(UP, UP_BIAS, "mlp.fc1")
            .biased(DOWN, DOWN_BIAS, "mlp.fc2")
            .sizes(51_200, 2048, 8192, 24, 32, 2048).fallback(ACTIVATION, "gelu_new")
            .fallback(RopeReader.SHARE, 0.5).fallback("qk_layernorm", false).refusing("qk_layernorm")
            .has(Trait.SIDE_BY_SIDE)
            .models("Phi-1, Phi-1.5, Phi-2").checkedBy("phi");

    /** What both generations of Command have in common. */
    private static FamilyBuilder cohereLike(String modelType, String architecture) {
        return attentionBiases(llamaLike(modelType, architecture)).without(FEED_FORWARD_NORM).norm(Norm.Kind.LAYER)
                .key(EPSILON, LAYER_EPSILON).fallback(LAYER_EPSILON, 1e-5).key("logits_scaling", "logit_scale")
                .fallback("logit_scale", 0.0625).sizes(256_000, 8192, 22_528, 40, 64, 8192)
                .fallback(TIED, true).endsWith(255_001)
                .has(Trait.SIDE_BY_SIDE, Trait.NEIGHBOURS_TURN, Trait.LOGITS_MULTIPLIED);
    }

    private static final Family COHERE = cohereLike("cohere", "CohereForCausalLM").fallback(ROPE_THETA, 500_000.0)
            .fallback("use_qk_norm", false).refusing("use_qk_norm").models("Command R").checkedBy("cohere");

    private static final Family COHERE2 = cohereLike("cohere2", "Cohere2ForCausalLM").fallback(WINDOW, 4096)
            .without(HEAD_DIM).fallback("sliding_window_pattern", 4).optional(LAYER_TYPES).has(Trait.ONLY_SLIDING_TURNS)
            .sliding(SlidingLayers.ALL_BUT_SOME).models("Command R7B, Command A, Aya").checkedBy("cohere2");

    static final List<Family> ALL = List.of(GPT_NEOX, STABLELM, PHI, COHERE, COHERE2);
}
