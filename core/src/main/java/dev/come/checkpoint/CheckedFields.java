package dev.come.checkpoint;

import dev.come.InvalidInputException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * An object in a JSON file that a program has written, whose fields are read with their types and ranges. A field that is
 * missing or is not as it must be is refused in one sentence, with its path: nothing is taken for something else.
 */
public final class CheckedFields {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private final String file;
    private final String path;
    private final JsonNode object;

    /**
     * Takes an object.
     *
     * @param file what messages call the file
     * @param path where the object lies in the file, such as {@code steps[2]}; empty: the file itself
     * @throws InvalidInputException if it is no object
     */
    public CheckedFields(String file, String path, JsonNode object) {
        this.file = file;
        this.path = path;
        this.object = object;
        if (!object.isObject()) {
            throw wrong(path, object, "an object {...}");
        }
    }

    /** Whether there is such a field. */
    public boolean has(String key) {
        return object.has(key);
    }

    /** A text. */
    public String text(String key) {
        return field(key, JsonNode::isString, "a text").stringValue();
    }

    /** A SHA-256 in hexadecimal digits. */
    public String sha256(String key) {
        return field(key, value -> value.isString() && SHA256.matcher(value.stringValue()).matches(),
                "a SHA-256 of 64 hexadecimal digits").stringValue();
    }

    /** True or false. */
    public boolean flag(String key) {
        return field(key, JsonNode::isBoolean, "true or false").booleanValue();
    }

    /** A whole number between two others, both included. */
    public long integer(String key, long least, long most) {
        return field(key, value -> isInteger(value, least, most), integers(least, most)).longValue();
    }

    /** A list of whole numbers between two others, both included. */
    public List<Integer> integers(String key, int least, int most) {
        List<Integer> integers = new ArrayList<>();
        List<JsonNode> values = list(key);
        for (int i = 0; i < values.size(); i++) {
            if (!isInteger(values.get(i), least, most)) {
                throw wrong(pathOf(key) + "[" + i + "]", values.get(i), integers(least, most));
            }
            integers.add(values.get(i).intValue());
        }
        return integers;
    }

    /** A finite number between two others, both included. */
    public double number(String key, double least, double most) {
        return field(key, value -> isNumber(value, least, most), numbers(least, most)).doubleValue();
    }

    /** A list of finite numbers between two others, both included. */
    public List<Double> numbers(String key, double least, double most) {
        List<Double> numbers = new ArrayList<>();
        List<JsonNode> values = list(key);
        for (int i = 0; i < values.size(); i++) {
            if (!isNumber(values.get(i), least, most)) {
                throw wrong(pathOf(key) + "[" + i + "]", values.get(i), numbers(least, most));
            }
            numbers.add(values.get(i).doubleValue());
        }
        return numbers;
    }

    /** A list of scores, as {@link RecordJson#score(double, String)} writes them. */
    public List<Double> scores(String key) {
        List<Double> scores = new ArrayList<>();
        List<JsonNode> values = list(key);
        for (int i = 0; i < values.size(); i++) {
            if (!RecordJson.isScore(values.get(i))) {
                throw wrong(pathOf(key) + "[" + i + "]", values.get(i), "a finite number, null or \"-Infinity\"");
            }
            scores.add(RecordJson.score(values.get(i)));
        }
        return scores;
    }

    /** Checks that a field is a list of texts. */
    public void texts(String key) {
        List<JsonNode> values = list(key);
        for (int i = 0; i < values.size(); i++) {
            if (!values.get(i).isString()) {
                throw wrong(pathOf(key) + "[" + i + "]", values.get(i), "a text");
            }
        }
    }

    /** A list. */
    public List<JsonNode> list(String key) {
        return List.copyOf(field(key, JsonNode::isArray, "a list [...]").values());
    }

    /** A list of objects. */
    public List<CheckedFields> objects(String key) {
        List<CheckedFields> objects = new ArrayList<>();
        List<JsonNode> values = list(key);
        for (int i = 0; i < values.size(); i++) {
            objects.add(new CheckedFields(file, pathOf(key) + "[" + i + "]", values.get(i)));
        }
        return objects;
    }

    /** An object. */
    public CheckedFields object(String key) {
        return new CheckedFields(file, pathOf(key), object.path(key));
    }

    /** The names of the fields. */
    public Collection<String> names() {
        return object.propertyNames();
    }

    /** The field as it is; missing, if it is not there. */
    public JsonNode get(String key) {
        return object.path(key);
    }

    /** Checks that all numbers below are finite. */
    public void requireFinite() {
        requireFinite(path, object);
    }

    private void requireFinite(String where, JsonNode value) {
        if (value.isFloatingPointNumber() && !RecordJson.isFinite(value)) {
            throw wrong(where, value, "a finite number");
        }
        value.properties().forEach(field -> requireFinite(where + "." + field.getKey(), field.getValue()));
        if (value.isArray()) {
            value.values().forEach(one -> requireFinite(where + "[]", one));
        }
    }

    /** Checks that there are no other fields than these. */
    public void requireOnly(Collection<String> known) {
        for (String key : object.propertyNames()) {
            if (!known.contains(key)) {
                throw damaged("\"" + Shown.of(pathOf(key)) + "\" is no field of such a file");
            }
        }
    }

    /** Says that a field is not as expected. */
    public InvalidInputException wrong(String key, String expected) {
        return wrong(pathOf(key), object.path(key), expected);
    }

    /** Says what is wrong with the file, and what to do. */
    public InvalidInputException damaged(String what) {
        return new InvalidInputException(
                file + ": " + what + "; the file is damaged or of another version, give the one that was written");
    }

    private JsonNode field(String key, Predicate<JsonNode> right, String expected) {
        JsonNode value = object.path(key);
        if (!right.test(value)) {
            throw wrong(key, expected);
        }
        return value;
    }

    private InvalidInputException wrong(String where, JsonNode value, String expected) {
        return damaged((where.isEmpty() ? "its content" : "\"" + where + "\"")
                + (value.isMissingNode() ? " is missing" : " is " + Shown.of(value)) + ", expected " + expected);
    }

    private String pathOf(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    private static boolean isInteger(JsonNode value, long least, long most) {
        return (value.isInt() || value.isLong()) && value.longValue() >= least && value.longValue() <= most;
    }

    private static boolean isNumber(JsonNode value, double least, double most) {
        return RecordJson.isFinite(value) && value.doubleValue() >= least && value.doubleValue() <= most;
    }

    private static String integers(long least, long most) {
        return most == Long.MAX_VALUE
                ? "a whole number of at least " + least
                : "a whole number from " + least + " to " + most;
    }

    private static String numbers(double least, double most) {
        return least == -Double.MAX_VALUE ? "a finite number" : "a number from " + least + " to " + most;
    }
}
