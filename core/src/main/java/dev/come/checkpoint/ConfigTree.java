package dev.come.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A JSON object such as config.json, kept whole: keys that nobody here knows survive, in their order, and so do the
 * digits of numbers. Never mutated; {@link #edited} gives a changed copy.
 *
 * <p>Each read names a key and says what it expects there; a key whose value is {@code null} counts as absent, as it
 * does in transformers. What is absent or of another type is a {@link CheckpointException} that names file and key.
 */
public final class ConfigTree {
    private static final Kind<String> TEXT = new Kind<>("a text", JsonNode::isString, JsonNode::stringValue);
    private static final Kind<Integer> INTEGER = new Kind<>("an integer",
            node -> node.isIntegralNumber() && node.canConvertToInt(), JsonNode::intValue);
    private static final Kind<Double> NUMBER = new Kind<>("a number within the range of float32",
            node -> node.isNumber() && Math.abs(node.numberValue().doubleValue()) <= Float.MAX_VALUE,
            node -> node.numberValue().doubleValue());
    private static final Kind<Boolean> TRUTH = new Kind<>("true or false", JsonNode::isBoolean,
            JsonNode::booleanValue);
    private static final Kind<ObjectNode> OBJECT = new Kind<>("an object {...}", JsonNode::isObject,
            ObjectNode.class::cast);
    private static final Kind<JsonNode> TOKEN = new Kind<>("a text or an object with a text as its content",
            node -> node.isString() || node.path("content").isString(), node -> node);
    private static final Kind<JsonNode> PLAIN = new Kind<>("a text, a number, true or false",
            node -> node.isString() || node.isBoolean() || NUMBER.fits.test(node), node -> node);
    private static final Kind<JsonNode> LIST = new Kind<>("a list [...]", JsonNode::isArray, node -> node);

    private final Path file;
    /** What stands before a key in messages, for example {@code "text_config."}. */
    private final String prefix;
    private final ObjectNode root;

    private ConfigTree(Path file, String prefix, ObjectNode root) {
        this.file = file;
        this.prefix = prefix;
        this.root = root;
    }

    /**
     * The JSON object that the file holds.
     *
     * @throws CheckpointException when the file is not there, is not JSON, or holds NaN, Infinity or the same key twice
     */
    public static ConfigTree read(Path file) {
        return read(file, Limits.CONFIG_BYTES);
    }

    /**
     * The JSON object in a file of at most this number of bytes.
     *
     * @throws CheckpointException as {@link #read(Path)}, and when the file is larger
     */
    public static ConfigTree read(Path file, int limit) {
        return new ConfigTree(file, "", Json.read(file, limit));
    }

    /**
     * A new object: what {@code fill} puts into an empty one.
     *
     * @param file what messages call it
     */
    public static ConfigTree create(Path file, Consumer<ObjectNode> fill) {
        return new ConfigTree(file, "", JsonNodeFactory.instance.objectNode()).edited(fill);
    }

    /** The file that this was read from. */
    public Path file() {
        return file;
    }

    /** Whether the key is there and not {@code null}. */
    public boolean has(String key) {
        return root.hasNonNull(key);
    }

    /** Whether the key is there, be it {@code null}. */
    public boolean mentions(String key) {
        return root.has(key);
    }

    /** The text under the key, which must be there. */
    public String string(String key) {
        return required(key, TEXT);
    }

    /** The text under the key. */
    public Optional<String> optionalString(String key) {
        return optional(key, TEXT);
    }

    /** The number under the key, which must be there, have no fraction and fit 32 bits. */
    public int integer(String key) {
        return required(key, INTEGER);
    }

    /** The number under the key, which must have no fraction and fit 32 bits. */
    public Optional<Integer> optionalInteger(String key) {
        return optional(key, INTEGER);
    }

    /** The number under the key, which must be there; with or without a fraction. */
    public double number(String key) {
        return required(key, NUMBER);
    }

    /** The number under the key, with or without a fraction. */
    public Optional<Double> optionalNumber(String key) {
        return optional(key, NUMBER);
    }

    /** The truth value under the key, or {@code fallback} where the key is absent. */
    public boolean bool(String key, boolean fallback) {
        return optional(key, TRUTH).orElse(fallback);
    }

    /** The list of numbers under the key. */
    public Optional<List<Double>> optionalNumbers(String key) {
        return list(key, NUMBER);
    }

    /** The integers under a key that holds one or a list of them; none if it is absent. */
    public List<Integer> oneOrMoreIntegers(String key) {
        return root.path(key).isArray()
                ? list(key, INTEGER).orElse(List.of())
                : optionalInteger(key).map(List::of).orElse(List.of());
    }

    /** The list of texts under the key. */
    public Optional<List<String>> optionalStrings(String key) {
        return list(key, TEXT);
    }

    /**
     * The description of a token under the key: an object with a text as its content. A text alone is one that says no more.
     */
    public Optional<ConfigTree> optionalToken(String key) {
        return optional(key, TOKEN).map(node -> token(key, node));
    }

    /** The descriptions in a list of tokens; none if the key is absent. */
    public List<ConfigTree> tokens(String key) {
        return list(key, TOKEN).orElse(List.of()).stream().map(node -> token(key, node)).toList();
    }

    private ConfigTree token(String key, JsonNode node) {
        return new ConfigTree(file, prefix + key + ".", node instanceof ObjectNode object
                ? object
                : JsonNodeFactory.instance.objectNode().set("content", node));
    }

    /** The text, number or truth value under the key: a number is an Integer if it has no fraction, and else a Double. */
    public Optional<Object> plainValue(String key) {
        return optional(key, PLAIN).map(node -> node.isString()
                ? node.stringValue()
                : node.isBoolean()
                        ? (Object) node.booleanValue()
                        : INTEGER.fits.test(node)
                                ? (Object) node.intValue()
                                : (Object) node.doubleValue());
    }

    /** Whether the key holds a text. */
    public boolean isText(String key) {
        return root.path(key).isString();
    }

    /** Whether the key holds {@code false}. */
    public boolean isFalse(String key) {
        return root.path(key).isBoolean() && !root.path(key).booleanValue();
    }

    /** Whether the key holds an object. */
    public boolean isObject(String key) {
        return root.path(key).isObject();
    }

    /** All keys, in their order. */
    public List<String> keys() {
        return List.copyOf(root.propertyNames());
    }

    /** The object under the key. */
    public Optional<ConfigTree> optionalObject(String key) {
        return optional(key, OBJECT).map(node -> new ConfigTree(file, prefix + key + ".", node));
    }

    /** A copy that {@code edit} has changed. */
    public ConfigTree edited(Consumer<ObjectNode> edit) {
        ObjectNode copy = root.deepCopy();
        edit.accept(copy);
        return new ConfigTree(file, prefix, copy);
    }

    /** A copy that has what another says under a key, and not the key where the other does not mention it. */
    public ConfigTree taking(String key, ConfigTree other) {
        return edited(copy -> {
            JsonNode value = other.root.get(key);
            if (value == null) {
                copy.remove(key);
            } else {
                copy.set(key, value.deepCopy());
            }
        });
    }

    /** A copy with another object under a key. */
    public ConfigTree with(String key, ConfigTree object) {
        return edited(copy -> copy.set(key, object.root.deepCopy()));
    }

    /** The text of this object as transformers lays it out: two spaces of indentation and a line feed at the end. */
    public String toJson() {
        return Json.print(root);
    }

    private <T> T required(String key, Kind<T> kind) {
        return optional(key, kind).orElseThrow(() -> new CheckpointException(
                "%s: '%s' is missing; it must be %s".formatted(file, Shown.of(prefix + key), kind.name)));
    }

    private <T> Optional<T> optional(String key, Kind<T> kind) {
        return has(key) ? Optional.of(value(() -> key, root.get(key), kind)) : Optional.empty();
    }

    private <T> Optional<List<T>> list(String key, Kind<T> kind) {
        return optional(key, LIST).map(elements -> {
            List<T> values = new ArrayList<>();
            for (JsonNode element : elements) {
                int index = values.size();
                values.add(value(() -> key + "[" + index + "]", element, kind));
            }
            return List.copyOf(values);
        });
    }

    private <T> T value(Supplier<String> key, JsonNode node, Kind<T> kind) {
        if (!kind.fits.test(node)) {
            throw new CheckpointException("%s: '%s' must be %s, but is %s".formatted(file, Shown.of(prefix + key.get()),
                    kind.name, Shown.of(node)));
        }
        return kind.value.apply(node);
    }

    /** What a value can be asked to be: its name in messages, how it is recognised and how it is taken. */
    private record Kind<T>(String name, Predicate<JsonNode> fits, Function<JsonNode, T> value) {}
}
