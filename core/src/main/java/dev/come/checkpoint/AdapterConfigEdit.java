package dev.come.checkpoint;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes the adapter_config.json of a LoRA for a model that has lost layers. Field names, and how PEFT matches them with the
 * names of modules, are those of {@code LoraConfig} and {@code check_target_module_exists} in peft 0.21.2.
 *
 * @param config of the adapter as it was
 * @param names of the layers
 * @param modules the modules that have weights of LoRA and are left, as they are called now
 */
record AdapterConfigEdit(ConfigTree config, LayerNames names, List<String> modules) {
    private static final String TARGETS = "target_modules";
    private static final String EXCLUDED = "exclude_modules";
    private static final String LAYERS = "layers_to_transform";
    private static final String LAYERS_PATTERN = "layers_pattern";
    private static final String REPLICATION = "layer_replication";
    /** What PEFT matches with the ends of names. */
    private static final List<String> LISTS = List.of("modules_to_save", "target_parameters");
    /** Maps by regular expressions of names. */
    private static final List<String> PATTERNS = List.of("rank_pattern", "alpha_pattern");

    /**
     * The new configuration.
     *
     * @param base the model that it is for now; without it none is named
     * @throws CheckpointException when something tells of layers in a way that cannot be followed
     */
    ConfigTree edited(Optional<String> base) {
        return config.edited(root -> {
            if (root.hasNonNull(REPLICATION)) {
                throw wrong(REPLICATION, "repeats layers, which cannot be followed");
            }
            base.ifPresentOrElse(name -> root.put("base_model_name_or_path", name),
                    () -> root.putNull("base_model_name_or_path"));
            root.putNull("revision"); // of the dense model
            editLayers(root);
            editTargets(root);
            LISTS.forEach(key -> editList(root, key));
            PATTERNS.forEach(key -> editPatterns(root, key));
        });
    }

    private void editLayers(ObjectNode root) {
        if (!root.hasNonNull(LAYERS)) {
            return;
        }
        List<Integer> left = config.oneOrMoreIntegers(LAYERS).stream().filter(names::isLeft).map(names::place).sorted()
                .toList();
        if (left.isEmpty() && !config.oneOrMoreIntegers(LAYERS).isEmpty()) {
            throw wrong(LAYERS, "names none of the layers that are left"); // PEFT takes an empty list for all
        }
        ArrayNode list = root.putArray(LAYERS);
        left.forEach(list::add);
    }

    /** Where layers are told apart here, every module is named, for nothing else has weights. */
    private void editTargets(ObjectNode root) {
        if (Stream.of(TARGETS, EXCLUDED).flatMap(key -> texts(root, key)).anyMatch(this::tellsOfLayers)) {
            ArrayNode list = root.putArray(TARGETS);
            modules.forEach(list::add);
            List.of(EXCLUDED, LAYERS, LAYERS_PATTERN).forEach(root::putNull);
        }
    }

    private boolean tellsOfLayers(String name) {
        return names.layer(name).isPresent() || names.isUnclear(name);
    }

    private void editList(ObjectNode root, String key) {
        if (root.path(key) instanceof ArrayNode list) {
            List<String> left = texts(root, key).peek(name -> requireClear(key, name)).filter(names::stays)
                    .map(names::renumbered).toList();
            list.removeAll();
            left.forEach(list::add);
        }
    }

    private void editPatterns(ObjectNode root, String key) {
        if (root.path(key) instanceof ObjectNode map) {
            ObjectNode left = map.objectNode();
            map.forEachEntry((name, value) -> {
                requireClear(key, name);
                if (names.stays(name)) {
                    left.set(names.renumbered(name), value);
                }
            });
            root.set(key, left);
        }
    }

    private static Stream<String> texts(ObjectNode root, String key) {
        JsonNode value = root.path(key);
        return (value.isString() ? Stream.of(value) : value.valueStream()).filter(JsonNode::isString)
                .map(JsonNode::stringValue);
    }

    private void requireClear(String key, String name) {
        if (names.isUnclear(name)) {
            throw wrong(key, "has \"" + Shown.of(name)
                    + "\", which tells of layers in a way that cannot be renumbered; write one entry for each layer");
        }
    }

    private CheckpointException wrong(String key, String what) {
        return new CheckpointException("%s: %s %s".formatted(config.file(), key, what));
    }
}
