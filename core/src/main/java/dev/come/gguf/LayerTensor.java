package dev.come.gguf;

import static dev.come.gguf.LayerTensor.Size.*;

import java.util.List;

/**
 * A norm or a projection of a layer in a GGUF file and in a model folder.
 *
 * @param from its name in the file, without {@code blk.N.} before and {@code .weight} after it
 * @param to its name in the folder, without the layer before and {@code .weight} after it
 * @param shape {@code (out, in)} of a projection, one size of a norm
 * @param bias when it has a bias
 */
record LayerTensor(String from, String to, List<Size> shape, Bias bias) {
    /** A number of the model that sizes of tensors are. */
    enum Size {
        HIDDEN, QUERIES, KEYS, QUERIES_KEYS_VALUES, HEAD, CHANNELS, GATE_AND_UP
    }

    /** When a projection has a bias. */
    enum Bias {
        NEVER, ALWAYS,
        /** If the queries of the first layer have one. */
        LIKE_QUERIES,
        /** If what goes up in the first layer has one. */
        LIKE_UP
    }

    static final String QUERY = "attn_q";
    static final String KEY = "attn_k";
    static final String UP = "ffn_up";
    private static final String NORM = "_norm";

    static final List<LayerTensor> LLAMA = joined(List.of(llamaNorms(), attention(Bias.LIKE_QUERIES, Bias.LIKE_QUERIES),
            feedForward(Bias.LIKE_UP)));
    static final List<LayerTensor> QWEN2 = joined(List.of(llamaNorms(), attention(Bias.ALWAYS, Bias.NEVER),
            feedForward(Bias.LIKE_UP)));
    static final List<LayerTensor> QWEN3 = joined(List.of(LLAMA, headNorms(HEAD, HEAD)));
    static final List<LayerTensor> GEMMA2 = joined(List.of(
            List.of(norm("attn_norm", "input_layernorm"), norm("ffn_norm", "pre_feedforward_layernorm")), normsBehind(),
            attention(Bias.NEVER, Bias.NEVER), feedForward(Bias.NEVER)));
    static final List<LayerTensor> GEMMA3 = joined(List.of(GEMMA2, headNorms(HEAD, HEAD)));
    static final List<LayerTensor> OLMO2 = joined(List.of(normsBehind(), headNorms(QUERIES, KEYS),
            attention(Bias.NEVER, Bias.NEVER), feedForward(Bias.NEVER)));
    static final List<LayerTensor> PHI3 = joined(List.of(llamaNorms(),
            List.of(matrix("attn_qkv", "self_attn.qkv_proj", QUERIES_KEYS_VALUES, HIDDEN, Bias.NEVER),
                    matrix("attn_output", "self_attn.o_proj", HIDDEN, QUERIES, Bias.NEVER),
                    matrix(UP, "mlp.gate_up_proj", GATE_AND_UP, HIDDEN, Bias.NEVER),
                    matrix("ffn_down", "mlp.down_proj", HIDDEN, CHANNELS, Bias.NEVER))));
    static final List<LayerTensor> STARCODER2 = joined(
            List.of(llamaNorms(), attention(Bias.LIKE_QUERIES, Bias.LIKE_QUERIES),
                    List.of(matrix(UP, "mlp.c_fc", CHANNELS, HIDDEN, Bias.LIKE_QUERIES),
                            matrix("ffn_down", "mlp.c_proj", HIDDEN, CHANNELS, Bias.LIKE_QUERIES))));
    static final List<LayerTensor> GPT2 = List.of(norm("attn_norm", "ln_1"), norm("ffn_norm", "ln_2"),
            matrix("attn_qkv", "attn.c_attn", QUERIES_KEYS_VALUES, HIDDEN, Bias.ALWAYS),
            matrix("attn_output", "attn.c_proj", HIDDEN, QUERIES, Bias.ALWAYS),
            matrix(UP, "mlp.c_fc", CHANNELS, HIDDEN, Bias.ALWAYS),
            matrix("ffn_down", "mlp.c_proj", HIDDEN, CHANNELS, Bias.ALWAYS));

    boolean isNorm() {
        return from.endsWith(NORM);
    }

    private static List<LayerTensor> llamaNorms() {
        return List.of(norm("attn_norm", "input_layernorm"), norm("ffn_norm", "post_attention_layernorm"));
    }

    private static List<LayerTensor> normsBehind() {
        return List.of(norm("post_attention_norm", "post_attention_layernorm"),
                norm("post_ffw_norm", "post_feedforward_layernorm"));
    }

    private static List<LayerTensor> headNorms(Size queries, Size keys) {
        return List.of(new LayerTensor("attn_q_norm", "self_attn.q_norm", List.of(queries), Bias.NEVER),
                new LayerTensor("attn_k_norm", "self_attn.k_norm", List.of(keys), Bias.NEVER));
    }

    private static List<LayerTensor> attention(Bias inputs, Bias output) {
        return List.of(matrix(QUERY, "self_attn.q_proj", QUERIES, HIDDEN, inputs),
                matrix(KEY, "self_attn.k_proj", KEYS, HIDDEN, inputs),
                matrix("attn_v", "self_attn.v_proj", KEYS, HIDDEN, inputs),
                matrix("attn_output", "self_attn.o_proj", HIDDEN, QUERIES, output));
    }

    private static List<LayerTensor> feedForward(Bias bias) {
        return List.of(matrix("ffn_gate", "mlp.gate_proj", CHANNELS, HIDDEN, bias),
                matrix(UP, "mlp.up_proj", CHANNELS, HIDDEN, bias),
                matrix("ffn_down", "mlp.down_proj", HIDDEN, CHANNELS, bias));
    }

    private static LayerTensor norm(String from, String to) {
        return new LayerTensor(from, to, List.of(HIDDEN), Bias.NEVER);
    }

    private static LayerTensor matrix(String from, String to, Size rows, Size columns, Bias bias) {
        return new LayerTensor(from, to, List.of(rows, columns), bias);
    }

    private static List<LayerTensor> joined(List<List<LayerTensor>> lists) {
        return lists.stream().flatMap(List::stream).toList();
    }
}
