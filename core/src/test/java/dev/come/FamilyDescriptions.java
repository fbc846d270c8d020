package dev.come;

import java.util.Map;

/** Families as a user may describe them in a come-family.json. Each computes what the known family of a fixture does. */
public final class FamilyDescriptions {
    public static final String EXAONE = """
            {"model_type": "mine", "like": "llama", "architecture": "MyForCausalLM",
             "names": {"embedding": "transformer.wte.weight", "final_norm": "transformer.ln_f.weight", "layers": "transformer.h"},
             "parts": {"attention_norm": "ln_1.weight", "query": "attn.attention.q_proj.weight", "query_bias": null,
                       "key": "attn.attention.k_proj.weight", "key_bias": null, "value": "attn.attention.v_proj.weight",
                       "value_bias": null, "output": "attn.attention.out_proj.weight", "output_bias": null,
                       "feed_forward_norm": "ln_2.weight", "gate": "mlp.c_fc_0.weight", "gate_bias": null,
                       "up": "mlp.c_fc_1.weight", "up_bias": null, "down": "mlp.c_proj.weight", "down_bias": null},
             "only_if": {}, "defaults": {"rope_theta": 500000, "rms_norm_eps": 1e-5}}""";
    public static final String GEMMA = """
            {"model_type": "mine", "like": "llama", "norm": "rms_plus_one",
             "traits": ["scaled_embedding", "gelu_is_tanh"],
             "defaults": {"tie_word_embeddings": true, "head_dim": 256, "hidden_act": "gelu_pytorch_tanh"}}""";
    public static final String SEED_OSS = """
            {"model_type": "mine", "like": "llama",
             "only_if": {"attention_bias": ["query_bias", "key_bias", "value_bias"], "attention_out_bias": ["output_bias"],
                         "mlp_bias": ["gate_bias", "up_bias", "down_bias"]},
             "defaults": {"attention_bias": true, "attention_out_bias": false, "head_dim": 128}}""";
    public static final String STARCODER2 = """
            {"model_type": "mine", "like": "jais2", "keys": {"rms_norm_eps": "norm_epsilon"},
             "only_if": {"use_bias": ["query_bias", "key_bias", "value_bias", "output_bias", "up_bias", "down_bias"]},
             "parts": {"up": "mlp.c_fc.weight", "up_bias": "mlp.c_fc.bias", "down": "mlp.c_proj.weight",
                       "down_bias": "mlp.c_proj.bias"},
             "defaults": {"norm_epsilon": 1e-5, "use_bias": true, "sliding_window": null}, "sliding_layers": "all"}""";

    /** The description of each fixture. */
    public static final Map<String, String> ALL = Map.of("exaone", EXAONE, "gemma", GEMMA, "seed_oss", SEED_OSS,
            "starcoder2",
            STARCODER2);

    private FamilyDescriptions() {
    }
}
