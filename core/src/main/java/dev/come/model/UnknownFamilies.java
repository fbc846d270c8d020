package dev.come.model;

import java.util.Map;
import java.util.Optional;

/** Families that people have and that cannot be computed here, with what is missing for them. */
final class UnknownFamilies {
    private static final String EXPERTS = "mixtures of experts";
    private static final String LATENT = "latent attention and mixtures of experts";
    private static final String HYBRID = "layers that mix tokens in another way than by attention";
    private static final String SHARED = "layers that share keys and values";

    private static final Map<String, String> MISSING = Map.ofEntries(Map.entry("mixtral", EXPERTS),
            Map.entry("olmoe", EXPERTS), Map.entry("gpt_oss", EXPERTS), Map.entry("phimoe", EXPERTS),
            Map.entry("granitemoe", EXPERTS), Map.entry("dbrx", EXPERTS), Map.entry("minimax", EXPERTS),
            Map.entry("hunyuan_v1_moe", EXPERTS), Map.entry("deepseek_v2", LATENT), Map.entry("deepseek_v3", LATENT),
            Map.entry("longcat_flash", LATENT), Map.entry("youtu", "latent attention"), Map.entry("qwen3_next", HYBRID),
            Map.entry("qwen3_5_text", HYBRID), Map.entry("lfm2", HYBRID), Map.entry("falcon_h1", HYBRID),
            Map.entry("jamba", HYBRID), Map.entry("bamba", HYBRID), Map.entry("zamba2", HYBRID),
            Map.entry("granitemoehybrid", HYBRID), Map.entry("recurrent_gemma", HYBRID),
            Map.entry("gemma3n_text", SHARED), Map.entry("gemma4_text", SHARED));

    private UnknownFamilies() {
    }

    /** What its layers have that is not known here, if that is known. */
    static Optional<String> missing(String modelType) {
        return Optional.ofNullable(MISSING.getOrDefault(modelType, modelType.endsWith("_moe") ? EXPERTS : null));
    }
}
