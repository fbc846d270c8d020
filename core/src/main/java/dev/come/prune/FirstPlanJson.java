package dev.come.prune;

import dev.come.checkpoint.DType;
import dev.come.checkpoint.RecordNames;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The first form of come.json, {@code come-plan-1}: some keys were in camelCase, and some names of values otherwise. */
final class FirstPlanJson {
    static final String FORMAT = "come-plan-1";

    /** The parts of the settings that hold whole records, whose keys were in camelCase. */
    private static final List<String> RECORDS = List.of("calibration", PruningPlan.HEALING, PruningPlan.DISTILLATION);

    private static final Map<String, String> VALUES = Map.of("down+o", "down_and_output", "sum-first", "sum_first",
            "abs-first", "abs_first", "never-zeroed", "never_zeroed");

    /** The fields whose values are names of enums, by where they lie. */
    private static final List<String> ENUMS = List.of("/options/taylor_order", "/healing/heal_targets",
            "/distillation/options/level", "/distillation/options/objective", "/distillation/options/trained",
            "/distillation/options/schedule/shape", "/distillation/options/model_schedule/shape");

    private FirstPlanJson() {
    }

    /** The same file with the names of today. */
    static ObjectNode renamed(ObjectNode first) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        first.properties().forEach(field -> root.set(field.getKey(),
                RECORDS.contains(field.getKey()) ? snakeCased(field.getValue()) : field.getValue().deepCopy()));
        for (String place : ENUMS) {
            int slash = place.lastIndexOf('/');
            String key = place.substring(slash + 1);
            if (root.at(place.substring(0, slash)) instanceof ObjectNode record && record.path(key).isString()) {
                String name = record.path(key).asString().toLowerCase(Locale.ROOT);
                record.put(key, VALUES.getOrDefault(name, name));
            }
        }
        if (root.path("model") instanceof ObjectNode model) {
            String stored = model.path("stored_dtype").asString();
            Arrays.stream(DType.values()).filter(type -> type.name().equals(stored)).findFirst()
                    .ifPresent(type -> model.put("stored_dtype", type.label()));
        }
        return root;
    }

    private static JsonNode snakeCased(JsonNode node) {
        return switch (node) {
            case ObjectNode object -> {
                ObjectNode renamed = JsonNodeFactory.instance.objectNode();
                object.properties()
                        .forEach(field -> renamed.set(RecordNames.key(field.getKey()), snakeCased(field.getValue())));
                yield renamed;
            }
            case ArrayNode array -> {
                ArrayNode renamed = JsonNodeFactory.instance.arrayNode();
                array.forEach(value -> renamed.add(snakeCased(value)));
                yield renamed;
            }
            default -> node;
        };
    }
}
