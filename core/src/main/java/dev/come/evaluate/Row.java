package dev.come.evaluate;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A row of a task's data, seen through the columns that the task names.
 *
 * @param fields the row as the file has it
 * @param columns by name the places where a column may be, the first that is there counts: a path of field names, which goes
 *        through all elements of a list on its way, or several paths that make a list
 * @param name what messages call the row
 */
record Row(ObjectNode fields, Map<String, List<List<String>>> columns, String name) {
    private static final Pattern INSERT = Pattern.compile("\\{\\{|}}|\\{(\\w+)(?:\\[(\\d+)])?(\\|strip)?}");

    /** The text of a column; numbers and truth values as JSON writes them. */
    String text(String column) {
        JsonNode value = value(column);
        if (value.isContainer()) {
            throw new InvalidInputException(name + ": column " + Shown.of(column) + " is " + Shown.of(value)
                    + ", but one text is expected; correct the columns of the task");
        }
        return value.asString();
    }

    /** The text of a column, or those of one that is a list; one at least. */
    List<String> textOrTexts(String column) {
        List<String> texts = value(column).isArray() ? texts(column) : List.of(text(column));
        if (texts.isEmpty()) {
            throw new InvalidInputException(name + ": column " + Shown.of(column)
                    + " is an empty list, but one text or more is expected; take the row out");
        }
        return texts;
    }

    /** The texts of a column that is a list. */
    List<String> texts(String column) {
        JsonNode value = value(column);
        if (!value.isArray()) {
            throw new InvalidInputException(name + ": column " + Shown.of(column) + " is " + Shown.of(value)
                    + ", but a list is expected; correct the columns of the task");
        }
        return value.valueStream().map(JsonNode::asString).toList();
    }

    /**
     * A text with columns put in. They are {@code {name}}, {@code {name[2]}} for an element of a list, and {@code
     * {name|strip}} without blanks around it; {@code {{} and {@code }}} are braces.
     */
    String fill(String template) {
        return INSERT.matcher(template).replaceAll(match -> Matcher.quoteReplacement(insert(match)));
    }

    private String insert(MatchResult match) {
        String column = match.group(1);
        if (column == null) {
            return match.group().substring(1);
        }
        String text;
        if (match.group(2) == null) {
            text = text(column);
        } else {
            List<String> texts = texts(column);
            String digits = match.group(2);
            int index = digits.length() < 10 ? Integer.parseInt(digits) : Integer.MAX_VALUE;
            if (index >= texts.size()) {
                throw new InvalidInputException(name + ": column " + Shown.of(column) + " has " + texts.size()
                        + " elements, but " + Shown.of(match.group()) + " is asked for; correct the task");
            }
            text = texts.get(index);
        }
        return match.group(3) == null ? text : PythonText.strip(text);
    }

    private JsonNode value(String column) {
        for (List<String> place : columns.getOrDefault(column, List.of(List.of(column)))) {
            List<JsonNode> values = new ArrayList<>();
            place.forEach(path -> find(fields, path).ifPresent(values::add));
            if (values.size() == place.size()) {
                if (place.size() == 1) {
                    return values.getFirst();
                }
                ArrayNode list = JsonNodeFactory.instance.arrayNode();
                values.forEach(list::add);
                return list;
            }
        }
        throw new InvalidInputException(name + " has no column " + Shown.of(column) + " (looked for "
                + Shown.of(columns.getOrDefault(column, List.of(List.of(column))).stream()
                        .map(place -> String.join(" with ", place)).toList())
                + "); its fields are " + Shown.of(fields.propertyNames()));
    }

    private static Optional<JsonNode> find(JsonNode node, String path) {
        int dot = path.indexOf('.');
        String key = dot < 0 ? path : path.substring(0, dot);
        if (node.isArray()) {
            ArrayNode list = JsonNodeFactory.instance.arrayNode();
            for (JsonNode element : node) {
                Optional<JsonNode> found = find(element, path);
                if (found.isEmpty()) {
                    return Optional.empty();
                }
                list.add(found.get());
            }
            return Optional.of(list);
        }
        JsonNode child = node.path(key);
        if (child.isMissingNode() || child.isNull()) {
            return Optional.empty();
        }
        return dot < 0 ? Optional.of(child) : find(child, path.substring(dot + 1));
    }
}
