package dev.come.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The configuration of a model with only some layers left. Whatever config.json says layer by layer is kept for the
 * <em>original</em> layers that are left, at the top and inside of {@code text_config}; keys that are absent stay
 * absent.
 *
 * <ul>
 * <li>{@code num_hidden_layers}: how many are left
 * <li>{@code layer_types}, {@code no_rope_layers}: the entries of those
 * <li>{@code max_window_layers} (how many layers at the bottom attend to everything): how many of those are left
 * </ul>
 *
 * @param config the changed configuration
 * @param warnings one sentence for each list that has as many entries as there were layers and is not known to go by
 *        layer: it is left as it is
 */
public record LayerConfigEdit(ConfigTree config, List<String> warnings) {
    private static final String LAYER_COUNT = "num_hidden_layers";
    private static final Set<String> LISTS = Set.of("layer_types", "no_rope_layers");
    private static final String FULL_ATTENTION_LAYERS = "max_window_layers";

    public LayerConfigEdit {
        warnings = List.copyOf(warnings);
    }

    /**
     * Edits a configuration.
     *
     * @param keptLayers for each layer of the smaller model the index of the layer that it was, or, if it was merged
     *         from several, of the first of these
     * @throws CheckpointException when the configuration does not say how many layers there are, or contradicts itself
     */
    public static LayerConfigEdit keeping(ConfigTree config, List<Integer> keptLayers) {
        List<String> warnings = new ArrayList<>();
        ConfigTree edited = config.edited(root -> {
            boolean atTop = edit(root, config, keptLayers, warnings);
            boolean inText = root.path("text_config") instanceof ObjectNode text
                    && edit(text, config, keptLayers, warnings);
            if (!atTop && !inText) {
                throw new CheckpointException("%s: '%s' is missing; it must be an integer".formatted(config.file(),
                        LAYER_COUNT));
            }
        });
        return new LayerConfigEdit(edited, warnings);
    }

    /** Edits one object, if it says how many layers there are. */
    private static boolean edit(ObjectNode object, ConfigTree config, List<Integer> keptLayers,
            List<String> warnings) {
        if (!object.path(LAYER_COUNT).canConvertToInt()) {
            return false;
        }
        int layers = object.get(LAYER_COUNT).intValue();
        for (int layer : keptLayers) {
            if (layer < 0 || layer >= layers) {
                throw new IllegalArgumentException("layer %s of %s".formatted(layer, layers));
            }
        }
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            if (entry.getValue() instanceof ArrayNode list) {
                if (LISTS.contains(entry.getKey())) {
                    entry.setValue(kept(entry.getKey(), list, layers, keptLayers, config));
                } else if (list.size() == layers) {
                    warnings.add(("%s: '%s' has as many entries as the model had layers and is left as it is; check "
                            + "whether it goes by layer").formatted(config.file(), entry.getKey()));
                }
            }
        }
        object.put(LAYER_COUNT, keptLayers.size());
        if (object.path(FULL_ATTENTION_LAYERS).canConvertToInt()) {
            int before = object.get(FULL_ATTENTION_LAYERS).intValue();
            object.put(FULL_ATTENTION_LAYERS, (int) keptLayers.stream().filter(layer -> layer < before).count());
        }
        return true;
    }

    private static ArrayNode kept(String key, ArrayNode list, int layers, List<Integer> keptLayers,
            ConfigTree config) {
        if (list.size() != layers) {
            throw new CheckpointException("%s: '%s' has %s entries where '%s' is %s; correct the file"
                    .formatted(config.file(), key, list.size(), LAYER_COUNT, layers));
        }
        ArrayNode kept = list.arrayNode();
        keptLayers.forEach(layer -> kept.add(list.get(layer)));
        return kept;
    }
}
