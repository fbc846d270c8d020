package dev.come.report;

import dev.come.ComeException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Limits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The licence of a model, as its own card or its config.json tells it.
 *
 * @param keys what the hub reads of it: license, and for others than it knows license_name and license_link
 */
public record Licence(ObjectNode keys) {
    private static final String KEY = "license";
    private static final List<String> MORE = List.of("license_name", "license_link");
    private static final int LONGEST = 300;

    /** Looks in a model's folder. What cannot be read tells nothing. */
    public static Optional<Licence> of(Path folder, ConfigTree config) {
        JsonNode card = card(folder.resolve(ModelCard.FILE_NAME));
        List<String> names = names(card.path(KEY));
        if (names.isEmpty() && config.isText(KEY)) {
            names = config.optionalString(KEY).filter(Licence::isShown).map(List::of).orElse(List.of());
        }
        if (names.isEmpty()) {
            return Optional.empty();
        }
        ObjectNode keys = JsonNodeFactory.instance.objectNode();
        if (names.size() == 1) {
            keys.put(KEY, names.getFirst());
        } else {
            names.forEach(keys.withArray(KEY)::add);
        }
        MORE.forEach(key -> names(card.path(key)).stream().findFirst().ifPresent(value -> keys.put(key, value)));
        return Optional.of(new Licence(keys));
    }

    private static JsonNode card(Path file) {
        try {
            if (Files.isRegularFile(file)) {
                String text = new String(Limits.read(file, Limits.CONFIG_BYTES), StandardCharsets.UTF_8);
                return FrontMatter.of(text, ModelCard.FILE_NAME).tree(ModelCard.FILE_NAME);
            }
        } catch (IOException | ComeException _) {
            // Nobody needs the card to make a model.
        }
        return JsonNodeFactory.instance.objectNode();
    }

    /** One or several names; none if it is anything else. */
    private static List<String> names(JsonNode value) {
        List<String> names = new ArrayList<>();
        if (value.isString()) {
            names.add(value.stringValue());
        } else if (value.isArray()) {
            value.forEach(one -> names.add(one.asString("")));
        }
        names.removeIf(name -> !isShown(name));
        return names;
    }

    private static boolean isShown(String name) {
        return !name.isBlank() && name.length() <= LONGEST
                && name.chars().noneMatch(character -> Character.isISOControl(character) || character == '`');
    }

    /** In words. */
    String inWords() {
        List<String> names = new ArrayList<>(names(keys.path(KEY)));
        MORE.forEach(key -> names.addAll(names(keys.path(key))));
        return "`" + String.join("`, `", names) + "`";
    }
}
