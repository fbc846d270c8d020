package dev.come.checkpoint;

import java.util.ArrayList;
import java.util.HashSet;
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
 * <li>{@code num_hidden_layers} ({@code n_layer} in GPT-2): how many are left
 * <li>{@code layer_types}, {@code no_rope_layers}, {@code layer_rope_theta}: the entries of those; the last two may be longer than
 * the model
 * <li>{@code max_window_layers}, {@code first_k_dense_replace} (how many layers at the bottom are of one kind): how many of
 * those are left
 * <li>{@code per_layer_config}, and every map by number whose key speaks of layers: the entries of those, under the numbers that
 * they have now
 * <li>{@code mlp_only_layers}, {@code full_attn_idxs} (numbers of layers): the numbers that those have now
 * </ul>
 *
 * @param config the changed configuration
 * @param warnings one sentence for each entry that may go by layer and is not known to: it is left as it is
 */
public record LayerConfigEdit(ConfigTree config, List<String> warnings) {
    private static final String LAYER_COUNT = "num_hidden_layers";
    /** What GPT-2 calls it. */
    private static final String OTHER_LAYER_COUNT = "n_layer";
    private static final String TYPES = "layer_types";
    private static final Set<String> LISTS = Set.of(TYPES, "no_rope_layers", "layer_rope_theta");
    /** How many layers at the bottom are of one kind. */
    private static final List<String> COUNTS = List.of("max_window_layers", "first_k_dense_replace");
    /** Numbers of layers. */
    private static final Set<String> NUMBERS = Set.of("mlp_only_layers", "full_attn_idxs");
    /** Every so many layers one is of another kind. */
    private static final List<String> PERIODS = List.of("decoder_sparse_step", "moe_layer_freq");

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
        String layerCount = object.has(LAYER_COUNT) ? LAYER_COUNT : OTHER_LAYER_COUNT;
        if (!object.path(layerCount).canConvertToInt()) {
            return false;
        }
        int layers = object.get(layerCount).intValue();
        for (int layer : keptLayers) {
            if (layer < 0 || layer >= layers) {
                throw new IllegalArgumentException("layer %s of %s".formatted(layer, layers));
            }
        }
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            String key = entry.getKey();
            if (entry.getValue() instanceof ArrayNode list) {
                if (LISTS.contains(key)) {
                    entry.setValue(kept(key, list, layers, keptLayers, config));
                } else if (NUMBERS.contains(key)) {
                    entry.setValue(renumbered(key, list, layers, keptLayers, config));
                } else if (list.size() == layers) {
                    warnings.add(("%s: '%s' has as many entries as the model had layers and is left as it is; check "
                            + "whether it goes by layer").formatted(config.file(), Shown.of(key)));
                }
            } else if (entry.getValue() instanceof ObjectNode map && key.contains("layer") && isByNumber(map)) {
                entry.setValue(renumbered(key, map, layers, keptLayers, config));
            } else if (PERIODS.contains(key) && entry.getValue().asInt(1) > 1) {
                warnings.add(
                        "%s: '%s' goes by the numbers of layers, which are others now; check whether it still holds"
                                .formatted(config.file(), key));
            }
        }
        object.put(layerCount, keptLayers.size());
        for (String count : COUNTS) {
            if (object.path(count).canConvertToInt()) {
                int before = object.get(count).intValue();
                object.put(count, (int) keptLayers.stream().filter(layer -> layer < before).count());
            }
        }
        return true;
    }

    private static ArrayNode kept(String key, ArrayNode list, int layers, List<Integer> keptLayers,
            ConfigTree config) {
        if (list.size() < layers || (list.size() > layers && key.equals(TYPES))) {
            throw new CheckpointException("%s: '%s' has %s entries where '%s' is %s; correct the file"
                    .formatted(config.file(), key, list.size(), LAYER_COUNT, layers));
        }
        ArrayNode kept = list.arrayNode();
        keptLayers.forEach(layer -> kept.add(list.get(layer)));
        return kept;
    }

    private static boolean isByNumber(ObjectNode map) {
        return !map.isEmpty() && map.propertyNames().stream().allMatch(name -> name.matches("[0-9]{1,9}"));
    }

    private static ObjectNode renumbered(String key, ObjectNode map, int layers, List<Integer> keptLayers,
            ConfigTree config) {
        map.propertyNames().forEach(name -> requireLayer(key, Integer.parseInt(name), layers, config));
        ObjectNode renumbered = map.objectNode();
        for (int position = 0; position < keptLayers.size(); position++) {
            JsonNode value = map.get("" + keptLayers.get(position));
            if (value != null) {
                renumbered.set("" + position, value);
            }
        }
        return renumbered;
    }

    private static ArrayNode renumbered(String key, ArrayNode numbers, int layers, List<Integer> keptLayers,
            ConfigTree config) {
        Set<Integer> wanted = new HashSet<>();
        for (JsonNode number : numbers) {
            requireLayer(key, number.isIntegralNumber() && number.canConvertToInt() ? number.intValue() : -1, layers,
                    config);
            wanted.add(number.intValue());
        }
        ArrayNode renumbered = numbers.arrayNode();
        for (int position = 0; position < keptLayers.size(); position++) {
            if (wanted.contains(keptLayers.get(position))) {
                renumbered.add(position);
            }
        }
        return renumbered;
    }

    private static void requireLayer(String key, int number, int layers, ConfigTree config) {
        if (number < 0 || number >= layers) {
            throw new CheckpointException(
                    "%s: '%s' must tell of the layers 0 to %s by number, and tells of others; correct"
                            .formatted(config.file(), Shown.of(key), layers - 1) + " the file");
        }
    }
}
