package dev.come.evaluate;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Takes values of the wanted kind out of a description of a task, or says what is wrong with it.
 *
 * @param file what messages call the description
 */
record TaskJson(String file) {
    int number(ObjectNode object, String key, int fallback) {
        if (!object.has(key)) {
            return fallback;
        }
        if (!object.get(key).isInt() || object.get(key).intValue() < 0) {
            throw invalid("\"" + key + "\" is " + Shown.of(object.get(key)) + ", but must be a whole number from 0 on");
        }
        return object.get(key).intValue();
    }

    ObjectNode object(ObjectNode root, String key) {
        if (root.path(key) instanceof ObjectNode object) {
            return object;
        }
        throw invalid("\"" + key + "\" is " + (root.has(key) ? Shown.of(root.get(key)) : "missing")
                + ", but must be an object {...}");
    }

    String string(ObjectNode root, String key) {
        if (!root.path(key).isString()) {
            throw invalid("\"" + key + "\" is " + (root.has(key) ? Shown.of(root.get(key)) : "missing")
                    + ", but must be a text");
        }
        return root.get(key).stringValue();
    }

    String string(ObjectNode root, String key, String fallback) {
        return root.has(key) ? string(root, key) : fallback;
    }

    List<String> strings(ObjectNode root, String key) {
        JsonNode list = root.path(key);
        if (!list.isArray() || list.isEmpty() || list.valueStream().anyMatch(element -> !element.isString())) {
            throw invalid("\"" + key + "\" is " + (list.isMissingNode() ? "missing" : Shown.of(list))
                    + ", but must be a list of texts");
        }
        return list.valueStream().map(JsonNode::stringValue).toList();
    }

    void known(ObjectNode object, String prefix, String... keys) {
        object.propertyNames().stream().filter(key -> !List.of(keys).contains(key)).findFirst().ifPresent(key -> {
            throw invalid("\"" + prefix + Shown.of(key) + "\" is not known; the keys are " + String.join(", ", keys));
        });
    }

    void absent(ObjectNode root, String with, String... keys) {
        for (String key : keys) {
            if (root.has(key)) {
                throw invalid("\"" + key + "\" does not go with " + with + "; take it out");
            }
        }
    }

    InvalidInputException invalid(String what) {
        return new InvalidInputException(file + " does not describe a task: " + what
                + ". docs/evaluation.md tells what such a file may say.");
    }
}
