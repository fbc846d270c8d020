package dev.come.model;

import static dev.come.model.Part.*;

/** What many descriptions of families have in common. */
final class Descriptions {
    static final String ATTENTION_BIAS = "attention_bias";
    static final String MLP_BIAS = "mlp_bias";
    static final String TIED = "tie_word_embeddings";
    static final String WINDOW = "sliding_window";
    static final String EPSILON = "rms_norm_eps";
    static final String ACTIVATION = "hidden_act";
    static final String HEAD_DIM = "head_dim";
    static final String KEY_VALUE_HEADS = "num_key_value_heads";
    static final String ROPE_THETA = RopeReader.THETA;
    static final String TRAINED_POSITIONS = "original_max_position_embeddings";
    static final String LAYER_TYPES = LayerLists.TYPES;
    static final String USE_WINDOW = "use_sliding_window";
    static final String LAYER_EPSILON = "layer_norm_eps";

    private Descriptions() {
    }

    /**
     * What Llama has in its layers and its configuration, and most families have as it has it. A description says what is
     * different; sizes and the token that ends a text differ in nearly all.
     */
    static FamilyBuilder llamaLike(String modelType, String architecture) {
        return Family.describe(modelType, architecture).part(ATTENTION_NORM, "input_layernorm.weight")
                .part(QUERY, "self_attn.q_proj.weight").part(KEY, "self_attn.k_proj.weight")
                .part(VALUE, "self_attn.v_proj.weight").part(OUTPUT, "self_attn.o_proj.weight")
                .part(FEED_FORWARD_NORM, "post_attention_layernorm.weight").part(GATE, "mlp.gate_proj.weight")
                .part(UP, "mlp.up_proj.weight").part(DOWN, "mlp.down_proj.weight")
                .ignoring("rotary_emb.inv_freq").sizes(32_000, 4096, 11_008, 32, 32, 2048)
                .optional(KEY_VALUE_HEADS, HEAD_DIM)
                .fallback(ACTIVATION, "silu").fallback(EPSILON, 1e-6).fallback(ROPE_THETA, 10_000.0)
                .optional(TRAINED_POSITIONS).fallback(TIED, false).endsWith(2);
    }

    static FamilyBuilder attentionBiases(FamilyBuilder family) {
        return inputBiases(family, ATTENTION_BIAS, false).part(OUTPUT_BIAS, "self_attn.o_proj.bias")
                .onlyIf(ATTENTION_BIAS, false, QUERY_BIAS, KEY_BIAS, VALUE_BIAS, OUTPUT_BIAS);
    }

    /** Biases of queries, keys and values, if a key says so. */
    static FamilyBuilder inputBiases(FamilyBuilder family, String key, boolean otherwise) {
        return family.part(QUERY_BIAS, "self_attn.q_proj.bias").part(KEY_BIAS, "self_attn.k_proj.bias")
                .part(VALUE_BIAS, "self_attn.v_proj.bias").onlyIf(key, otherwise, QUERY_BIAS, KEY_BIAS, VALUE_BIAS);
    }

    static FamilyBuilder feedForwardBiases(FamilyBuilder family) {
        return family.part(GATE_BIAS, "mlp.gate_proj.bias").part(UP_BIAS, "mlp.up_proj.bias")
                .part(DOWN_BIAS, "mlp.down_proj.bias").onlyIf(MLP_BIAS, false, GATE_BIAS, UP_BIAS, DOWN_BIAS);
    }

    /** What goes into feed-forward has no gate; biases come with {@code mlp_bias}. */
    static FamilyBuilder withoutGate(FamilyBuilder family) {
        return family.without(GATE, GATE_BIAS).part(UP_BIAS, "mlp.up_proj.bias").part(DOWN_BIAS, "mlp.down_proj.bias")
                .onlyIf(MLP_BIAS, false, UP_BIAS, DOWN_BIAS).fallback(ACTIVATION, "relu2");
    }

    static FamilyBuilder headNorms(FamilyBuilder family) {
        return family.part(QUERY_NORM, "self_attn.q_norm.weight").part(KEY_NORM, "self_attn.k_norm.weight");
    }

    /** Norms around attention and around feed-forward. */
    static FamilyBuilder sandwiched(FamilyBuilder family) {
        return family.part(ATTENTION_OUTPUT_NORM, "post_attention_layernorm.weight")
                .part(FEED_FORWARD_NORM, "pre_feedforward_layernorm.weight")
                .part(FEED_FORWARD_OUTPUT_NORM, "post_feedforward_layernorm.weight");
    }

    /** Norms behind attention and feed-forward alone. */
    static FamilyBuilder normedBehind(FamilyBuilder family) {
        return family.without(ATTENTION_NORM, FEED_FORWARD_NORM)
                .part(ATTENTION_OUTPUT_NORM, "post_attention_layernorm.weight")
                .part(FEED_FORWARD_OUTPUT_NORM, "post_feedforward_layernorm.weight");
    }

    /** Norms of all queries together and of all keys together. */
    static FamilyBuilder inputNorms(FamilyBuilder family) {
        return family.part(ALL_QUERIES_NORM, "self_attn.q_norm.weight").part(ALL_KEYS_NORM, "self_attn.k_norm.weight");
    }

    /** Layer norms, with biases, whose {@code layer_norm_eps} is 1e-5 by default. */
    static FamilyBuilder layerNorms(FamilyBuilder family) {
        return family.norm(Norm.Kind.LAYER).part(ATTENTION_NORM_BIAS, "input_layernorm.bias")
                .part(FEED_FORWARD_NORM_BIAS, "post_attention_layernorm.bias").key(EPSILON, LAYER_EPSILON)
                .fallback(LAYER_EPSILON, 1e-5);
    }
}
