package dev.come.export;

import dev.come.model.Family;
import dev.come.model.Part;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What llama.cpp calls the tensors of a model. */
final class TensorNames {
    private static final Map<Part, String> OF_PARTS = Map.ofEntries(Map.entry(Part.ATTENTION_NORM, "attn_norm"),
            Map.entry(Part.QUERY, "attn_q"), Map.entry(Part.KEY, "attn_k"), Map.entry(Part.VALUE, "attn_v"),
            Map.entry(Part.QUERY_NORM, "attn_q_norm"), Map.entry(Part.KEY_NORM, "attn_k_norm"),
            Map.entry(Part.ALL_QUERIES_NORM, "attn_q_norm"), Map.entry(Part.ALL_KEYS_NORM, "attn_k_norm"),
            Map.entry(Part.OUTPUT, "attn_output"), Map.entry(Part.ATTENTION_OUTPUT_NORM, "post_attention_norm"),
            Map.entry(Part.FEED_FORWARD_NORM, "ffn_norm"), Map.entry(Part.GATE, "ffn_gate"),
            Map.entry(Part.UP, "ffn_up"), Map.entry(Part.DOWN, "ffn_down"),
            Map.entry(Part.FEED_FORWARD_OUTPUT_NORM, "post_ffw_norm"));

    private TensorNames() {
    }

    /** The name of a tensor of a layer in which these parts lie row after row. */
    static String ofLayer(int layer, List<Part> parts) {
        Part first = parts.getFirst();
        String name = parts.size() == 1
                ? OF_PARTS.get(first.isBias() ? Part.valueOf(first.name().replaceFirst("_BIAS$", "")) : first)
                : first == Part.QUERY ? "attn_qkv" : "ffn_up";
        return "blk." + layer + "." + name + (first.isBias() ? ".bias" : ".weight");
    }

    /** The name of a tensor outside the layers. */
    static Optional<String> outside(String name, Family.Names names) {
        String norm = names.finalNorm().replaceFirst("weight$", "");
        return name.equals(names.embedding())
                ? Optional.of("token_embd.weight")
                : name.equals(names.head())
                        ? Optional.of("output.weight")
                        : name.startsWith(norm)
                                ? Optional.of("output_norm." + name.substring(norm.length()))
                                : Optional.empty();
    }
}
