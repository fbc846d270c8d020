package dev.come.model;

import dev.come.InvalidInputException;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * How one family of models names its tensors: data, not code. The tensors of layer {@code i} are called
 * {@code layerPrefix + i + "." + parts.get(part)}.
 *
 * @param modelType {@code model_type} in config.json
 * @param embedding the token embedding, {@code (vocabulary, hidden)}
 * @param layerPrefix what the names of all layer tensors begin with, up to the layer's number
 * @param finalNorm the norm after the last layer
 * @param head the output projection, {@code (vocabulary, hidden)}; absent from files whose embeddings are tied
 * @param parts the tensors of a layer; which of the biases a model has is for its configuration to say
 * @param ignored endings of tensor names that old exports carry and that can be computed from the configuration
 */
public record Family(String modelType, String embedding, String layerPrefix, String finalNorm, String head,
        Map<Part, String> parts, List<String> ignored) {

    public static final Family LLAMA = new Family("llama", "model.embed_tokens.weight", "model.layers.",
            "model.norm.weight",
            "lm_head.weight",
            Map.ofEntries(Map.entry(Part.INPUT_NORM, "input_layernorm.weight"),
                    Map.entry(Part.QUERY, "self_attn.q_proj.weight"),
                    Map.entry(Part.QUERY_BIAS, "self_attn.q_proj.bias"),
                    Map.entry(Part.KEY, "self_attn.k_proj.weight"), Map.entry(Part.KEY_BIAS, "self_attn.k_proj.bias"),
                    Map.entry(Part.VALUE, "self_attn.v_proj.weight"),
                    Map.entry(Part.VALUE_BIAS, "self_attn.v_proj.bias"),
                    Map.entry(Part.OUTPUT, "self_attn.o_proj.weight"),
                    Map.entry(Part.OUTPUT_BIAS, "self_attn.o_proj.bias"),
                    Map.entry(Part.POST_ATTENTION_NORM, "post_attention_layernorm.weight"),
                    Map.entry(Part.GATE, "mlp.gate_proj.weight"), Map.entry(Part.GATE_BIAS, "mlp.gate_proj.bias"),
                    Map.entry(Part.UP, "mlp.up_proj.weight"), Map.entry(Part.UP_BIAS, "mlp.up_proj.bias"),
                    Map.entry(Part.DOWN, "mlp.down_proj.weight"), Map.entry(Part.DOWN_BIAS, "mlp.down_proj.bias")),
            List.of("rotary_emb.inv_freq"));

    private static final List<Family> ALL = List.of(LLAMA);

    public Family {
        parts = Collections.unmodifiableMap(new EnumMap<>(parts));
        ignored = List.copyOf(ignored);
    }

    /** Finds the family of a {@code model_type}. */
    static Family named(String modelType) {
        return ALL.stream().filter(family -> family.modelType.equals(modelType)).findFirst()
                .orElseThrow(() -> new InvalidInputException("config.json: model_type is \"" + modelType
                        + "\", known are " + ALL.stream().map(Family::modelType).toList()
                        + "; to add one, describe its tensor names, norms, activation and positions in Family"));
    }
}
