package dev.come.checkpoint;

import dev.come.FailedException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies.NamingBase;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The rules of the JSON files that people and other programs read: come.json, run.json, comparison.json, and the results of
 * {@code eval}, {@code latency} and {@code inspect}.
 *
 * <ul>
 * <li>A file begins with its {@code format}, a name, and its {@code format_version}, which counts up when a field changes.
 * <li>A key is in snake_case, and so is the name of a value of an enum. A record becomes an object with one field for each
 * component: {@code mergeItem} becomes {@code merge_item}. Names that are given from outside (tasks, positions) may be keys too.
 * <li>A number is finite. Where a table says so, {@code null} stands for one that was not measured or has no bound, and the
 * string {@code -Infinity} for the logarithm of zero. There is no NaN.
 * </ul>
 */
public final class RecordJson {
    /** Stands for the logarithm of zero. */
    private static final String MINUS_INFINITY = "-Infinity";

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(new Keys()).enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY).enable(SerializationFeature.INDENT_OUTPUT).build();

    private RecordJson() {
    }

    /** A new file with its first two fields. */
    public static ObjectNode file(String format, int version) {
        return JsonNodeFactory.instance.objectNode().put("format", format).put("format_version", version);
    }

    /** A record as JSON. */
    public static ObjectNode tree(Record record) {
        return MAPPER.valueToTree(record);
    }

    /** Records as JSON. */
    public static ArrayNode trees(List<? extends Record> records) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        records.forEach(record -> array.add(tree(record)));
        return array;
    }

    /**
     * A score, which may be infinite.
     *
     * @param what names it in a message
     * @throws FailedException if it is NaN
     */
    public static JsonNode score(double value, String what) {
        JsonNodeFactory json = JsonNodeFactory.instance;
        if (Double.isNaN(value)) {
            throw notANumber(what, value);
        }
        if (Double.isFinite(value)) {
            return json.numberNode(value);
        }
        return value > 0 ? json.nullNode() : json.stringNode(MINUS_INFINITY);
    }

    /** Whether {@link #score(double, String)} can have made it. */
    static boolean isScore(JsonNode value) {
        return value.isNull() || isFinite(value) || (value.isString() && value.stringValue().equals(MINUS_INFINITY));
    }

    /** Whether it is a number that a double holds. */
    static boolean isFinite(JsonNode value) {
        return (value.isInt() || value.isLong() || value.isFloatingPointNumber())
                && Double.isFinite(value.doubleValue());
    }

    /** Reads what {@link #score} made. */
    public static double score(JsonNode value) {
        if (value.isNull()) {
            return Double.POSITIVE_INFINITY;
        }
        return value.asString().equals(MINUS_INFINITY) ? Double.NEGATIVE_INFINITY : value.asDouble();
    }

    /**
     * A number that must be finite.
     *
     * @param what names it in a message
     * @throws FailedException if it is not
     */
    public static double finite(double value, String what) {
        if (!Double.isFinite(value)) {
            throw notANumber(what, value);
        }
        return value;
    }

    /**
     * The text of a file, with a line feed at the end.
     *
     * @throws FailedException if a number in it is not finite
     */
    public static String text(ObjectNode root) {
        requireFinite("", root);
        return MAPPER.writeValueAsString(root) + "\n";
    }

    /** Jackson would write such a number as a string. */
    private static void requireFinite(String path, JsonNode node) {
        if (node.isFloatingPointNumber()) {
            finite(node.doubleValue(), path);
        }
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            requireFinite(path.isEmpty() ? field.getKey() : path + "." + field.getKey(), field.getValue());
        }
        if (node.isArray()) {
            for (int i = 0; i < node.size(); i++) {
                requireFinite(path + "[" + i + "]", node.get(i));
            }
        }
    }

    /**
     * Finds a text with half a character, which JSON can escape but no file of text can hold. (Keys cannot be read with one.)
     *
     * @return the text for messages, if there is one
     */
    public static Optional<String> halfCharacter(JsonNode node) {
        if (node.isString() && !StandardCharsets.UTF_8.newEncoder().canEncode(node.stringValue())) {
            return Optional.of("'" + Shown.of(node.stringValue()) + "'");
        }
        return node.valueStream().flatMap(value -> halfCharacter(value).stream()).findFirst();
    }

    /** Has Jackson name components as {@link RecordNames#key} does. */
    private static final class Keys extends NamingBase {
        private static final long serialVersionUID = 1L;

        @Override
        public String translate(String component) {
            return RecordNames.key(component);
        }
    }

    private static FailedException notANumber(String what, double value) {
        return new FailedException("The record cannot hold " + what + ", because it is " + value
                + "; what it was measured on is damaged or too large");
    }
}
