package dev.come;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Holds files of JSON to the rules of {@link RecordJson}, and to the table of fields in the Javadoc of what writes them. */
public final class JsonRules {
    private static final Pattern ROW = Pattern.compile(" \\* (\\S+) +\\| ([a-z]+(?:\\[])?) +\\| (.*)");
    private static final Pattern KEY = Pattern.compile("[a-z0-9]+(_[a-z0-9]+)*");
    private static final Pattern CONSTANT = Pattern.compile("[A-Z][A-Z0-9_]+");

    private final List<Row> rows = new ArrayList<>();
    private final Set<String> seen = new LinkedHashSet<>();

    /** A row of the table: a pattern of paths, in which capitals stand for a name and a star for all that is below. */
    private record Row(String field, Pattern paths, String type, String meaning) {
        static Row of(String field, String type, String meaning) {
            String paths = Pattern.quote(field).replaceAll("(?<=\\.|E)[A-Z]+(?=[._]|\\\\E)", "\\\\E[^.]+?\\\\Q");
            return new Row(field, Pattern.compile(paths.replace("*", "\\E.+\\Q")), type, meaning);
        }

        boolean allows(JsonNode value) {
            if (value.isNull()) {
                return type.equals("any") || meaning.contains("null:");
            }
            return switch (type) {
                case "string" -> value.isString();
                case "integer" -> value.isIntegralNumber();
                case "number" -> value.isNumber();
                case "boolean" -> value.isBoolean();
                default -> true;
            };
        }
    }

    /** The table of a class. */
    public JsonRules(Class<?> writer) {
        this(writer.getName());
    }

    /** The table of a class that only its own room sees. */
    public JsonRules(String writer) {
        Path source = Path.of("src/main/java", writer.replace('.', '/') + ".java");
        try {
            for (String line : Files.readAllLines(source)) {
                Matcher row = ROW.matcher(line);
                if (row.matches() && !row.group(1).equals("field")) {
                    rows.add(Row.of(row.group(1), row.group(2), row.group(3)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertThat(rows).as("the table of fields in " + source).hasSizeGreaterThan(10);
    }

    /** Checks a file. */
    public JsonRules check(Path file) throws IOException {
        return check(Files.readString(file));
    }

    /** Checks the text of a file. */
    public JsonRules check(String text) {
        JsonNode root = new JsonMapper().readTree(text);
        assertThat(List.copyOf(root.propertyNames())).startsWith("format", "format_version");
        return checkPart(root);
    }

    /** Checks a part of a file that has a table of its own. */
    public JsonRules checkPart(JsonNode part) {
        check("", part);
        return this;
    }

    private void check(String path, JsonNode node) {
        node.properties().forEach(field -> {
            assertThat(field.getKey()).as(path).matches(KEY);
            check(path.isEmpty() ? field.getKey() : path + "." + field.getKey(), field.getValue());
        });
        node.values().forEach(value -> {
            if (node.isArray() && value.isObject()) {
                check(path + "[]", value);
            }
        });
        if (node.isString()) {
            assertThat(node.asString()).as(path).doesNotMatch(CONSTANT).doesNotContain("NaN");
        }
        if (!node.isObject() && !isArrayOfObjects(path, node)) {
            List<Row> fitting = rows.stream().filter(row -> row.paths.matcher(path).matches()).toList();
            assertThat(fitting).as(path + " is in the table of fields").isNotEmpty();
            assertThat(fitting).as(path + ": " + node).anyMatch(row -> row.allows(node));
            fitting.forEach(row -> seen.add(row.field));
        }
    }

    private boolean isArrayOfObjects(String path, JsonNode node) {
        return node.isArray() && (node.isEmpty()
                ? rows.stream().anyMatch(row -> row.field.startsWith(path + "[]."))
                : node.get(0).isObject());
    }

    /** Checks that the table tells of nothing that the files so far do not have, but for some fields. */
    public void assertAllSeen(String... others) {
        List<String> left = new ArrayList<>(rows.stream().map(Row::field).toList());
        left.removeAll(seen);
        assertThat(left).containsExactlyInAnyOrder(others);
    }
}
