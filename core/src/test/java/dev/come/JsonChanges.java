package dev.come;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Changes of JSON after which it is JSON still: what a file says is then looked at, not only how it is written. */
final class JsonChanges {
    private static final JsonMapper JSON = new JsonMapper();
    /** What takes the place of a value. */
    private static final List<String> VALUES = List.of("null", "true", "0", "-1", "3", "2147483648", "1e300",
            "99999999999999999999999", "0.5", "\"\"", "\"m1\"", "\"-Infinity\"", "[]", "{}", "[0]", "[[0]]",
            "{\"a\": [1]}", "\"" + "0".repeat(64) + "\"");

    private final List<JsonNode> sound;

    JsonChanges(List<byte[]> sound) {
        this.sound = sound.stream().map(JSON::readTree).toList();
    }

    /** One of the contents with a few changes. */
    byte[] next(Random random) {
        JsonNode changed = sound.get(random.nextInt(sound.size())).deepCopy();
        for (int change = 0; change <= random.nextInt(3); change++) {
            change(changed, random);
        }
        return changed.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Changes something somewhere below a node. */
    private static void change(JsonNode node, Random random) {
        if (node.isEmpty()) {
            return;
        }
        int at = random.nextInt(node.size());
        JsonNode child = node instanceof ObjectNode object
                ? object.get(List.copyOf(object.propertyNames()).get(at))
                : node.get(at);
        if (child.isContainer() && !child.isEmpty() && random.nextInt(8) > 0) {
            change(child, random);
            return;
        }
        JsonNode value = random.nextBoolean()
                ? JSON.readTree(VALUES.get(random.nextInt(VALUES.size())))
                : node.isArray() ? node.get(random.nextInt(node.size())).deepCopy() : child;
        switch (node) {
            case ObjectNode object -> {
                String key = List.copyOf(object.propertyNames()).get(at);
                if (random.nextInt(3) == 0) {
                    object.remove(key);
                } else {
                    object.set(random.nextInt(6) == 0 ? key + "s" : key, value);
                }
            }
            case ArrayNode array -> {
                switch (random.nextInt(3)) {
                    case 0 -> array.remove(at);
                    case 1 -> array.insert(at, value);
                    default -> array.set(at, value);
                }
            }
            default -> throw new AssertionError(node);
        }
    }
}
