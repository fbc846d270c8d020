package dev.come.model;

import static dev.come.model.Descriptions.*;
import static dev.come.model.Part.*;

import dev.come.model.Family.SlidingLayers;
import java.util.List;
import java.util.Map;

/** Families in which positions turn a part of each head, or other pairs of its channels, or not every layer. */
final class TurningFamilies {
    private TurningFamilies() {
    }

    private static final Family NEMOTRON = layerNorms(
            withoutGate(attentionBiases(llamaLike("nemotron", "NemotronForCausalLM"))))
            .norm(Norm.Kind.LAYER_PLUS_ONE).without(LAYER_EPSILON).key(EPSILON, "norm_eps").fallback("norm_eps", 1e-5)
            .fallback(RopeReader.SHARE, 0.5).sizes(256_000, 6144, 24_576, 32, 48, 4096).endsWith(3)
            .models("Nemotron 4, Minitron").checkedBy("nemotron");

    /** What both generations of GLM have in common. */
    private static FamilyBuilder glmLike(String modelType, String architecture) {
        return inputBiases(llamaLike(modelType, architecture), ATTENTION_BIAS, true)
                .part(GATE, "mlp.gate_up_proj.weight").part(UP, "mlp.gate_up_proj.weight")
                .sizes(151_552, 4096, 13_696, 40, 32, 131_072).fallback(KEY_VALUE_HEADS, 2).fallback(HEAD_DIM, 128)
                .fallback(EPSILON, 1.5625e-7).fallback(RopeReader.SHARE, 0.5).has(Trait.NEIGHBOURS_TURN)
                .optional(Family.END_OF_TEXT);
    }

    private static final Family GLM = glmLike("glm", "GlmForCausalLM").models("GLM-4 9B, GLM-Edge").checkedBy("glm");

    private static final Family GLM4 = glmLike("glm4", "Glm4ForCausalLM")
            .part(ATTENTION_OUTPUT_NORM, "post_self_attn_layernorm.weight")
            .part(FEED_FORWARD_OUTPUT_NORM, "post_mlp_layernorm.weight").models("GLM-4 0414").checkedBy("glm4");

    private static final Family ERNIE = feedForwardBiases(attentionBiases(llamaLike("ernie4_5", "Ernie4_5ForCausalLM")))
            .without(ATTENTION_BIAS, MLP_BIAS)
            .onlyIf("use_bias", false, QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS, GATE_BIAS, UP_BIAS, DOWN_BIAS)
            .sizes(103_424, 1024, 3072, 18, 16, 131_072).fallback(KEY_VALUE_HEADS, 2).fallback(HEAD_DIM, 128)
            .fallback(EPSILON, 1e-5).fallback(ROPE_THETA, 500_000.0).fallback(TIED, true).has(Trait.NEIGHBOURS_TURN)
            .models("ERNIE 4.5 0.3B").checkedBy("ernie4_5");

    private static final Family HELIUM = feedForwardBiases(
            inputBiases(llamaLike("helium", "HeliumForCausalLM"), ATTENTION_BIAS, false))
            .sizes(48_000, 2560, 7040, 24, 20, 4096).fallback(KEY_VALUE_HEADS, 20).fallback(HEAD_DIM, 128)
            .fallback(EPSILON, 1e-8).fallback(ROPE_THETA, 100_000.0).has(Trait.NEIGHBOURS_TURN).models("Helium 1")
            .checkedBy("helium");

    private static final Family EXAONE4 = headNorms(normedBehind(llamaLike("exaone4", "Exaone4ForCausalLM")))
            .sizes(102_400, 4096, 16_384, 32, 32, 2048).fallback(KEY_VALUE_HEADS, 32).fallback(EPSILON, 1e-5)
            .fallback(WINDOW, 4096).fallback("sliding_window_pattern", 4).optional(LAYER_TYPES)
            .has(Trait.ONLY_SLIDING_TURNS, Trait.ALL_TURN_WITHOUT_WINDOW).sliding(SlidingLayers.ALL_BUT_SOME)
            .models("EXAONE 4").checkedBy("exaone4");

    private static final Family HUNYUAN = attentionBiases(llamaLike("hunyuan_v1_dense", "HunYuanDenseV1ForCausalLM"))
            .part(QUERY_NORM, "self_attn.query_layernorm.weight").part(KEY_NORM, "self_attn.key_layernorm.weight")
            .sizes(290_943, 4096, 11_008, 32, 32, 2048).fallback(EPSILON, 1e-5)
            .has(Trait.HEAD_NORMS_AFTER_TURNING, Trait.ALPHA_STRETCHES_BASE).models("Hunyuan dense")
            .checkedBy("hunyuan_v1_dense");

    private static final Family MINISTRAL3 = llamaLike("ministral3", "Ministral3ForCausalLM")
            .sizes(131_072, 4096, 14_336, 34, 32, 262_144).fallback(KEY_VALUE_HEADS, 8).fallback(HEAD_DIM, 128)
            .fallback(EPSILON, 1e-5).optional(WINDOW).sliding(SlidingLayers.ALL)
            .has(Trait.QUERIES_GROW)
            .fallback(Family.ROTATION, Map.of("rope_type", "yarn", ROPE_THETA, 1_000_000.0, "factor", 16.0,
                    TRAINED_POSITIONS, 16_384, "beta_fast", 32.0, "beta_slow", 1.0, "mscale_all_dim", 1.0, "mscale",
                    1.0,
                    QueryGrowth.KEY, 0.1))
            .models("Ministral 3 (text)").checkedBy("ministral3");

    static final List<Family> ALL = List.of(NEMOTRON, GLM, GLM4, ERNIE, HELIUM, EXAONE4, HUNYUAN, MINISTRAL3);
}
