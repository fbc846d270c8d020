package dev.come.text;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How the fields of a table make the text of a row.
 *
 * @param fields the names of the fields that are needed, and their SQL types
 * @param sql an SQL expression over them
 */
record RowRecipe(Map<String, String> fields, String sql) {
    RowRecipe {
        fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields)); // messages name fields in a fixed order
    }

    /** The text is that of one field. */
    static RowRecipe field(String name) {
        return joined("", name);
    }

    /** The text is that of several fields with a separator between them. */
    static RowRecipe joined(String separator, String... names) {
        Map<String, String> fields = new LinkedHashMap<>();
        List.of(names).forEach(name -> fields.put(name, "VARCHAR"));
        String sql = List.of(names).stream().map(RowRecipe::quotedName)
                .collect(Collectors.joining(" || " + quotedText(separator) + " || "));
        return new RowRecipe(fields, sql);
    }

    /** A question with four choices in fields of their own, {@code choice0} to {@code choice3}. */
    static RowRecipe questionWithChoiceFields() {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("question", "VARCHAR");
        IntStream.range(0, 4).forEach(i -> fields.put("choice" + i, "VARCHAR"));
        return new RowRecipe(fields, question(List.of("choice0", "choice1", "choice2", "choice3")));
    }

    /** A question with its four choices in one list. */
    static RowRecipe questionWithChoiceList() {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("question", "VARCHAR");
        fields.put("choices", "VARCHAR[]");
        return new RowRecipe(fields, question(List.of("choices[1]", "choices[2]", "choices[3]", "choices[4]")));
    }

    private static String question(List<String> choices) {
        String lines = IntStream.range(0, choices.size())
                .mapToObj(i -> quotedText("\n" + "ABCD".charAt(i) + ". ") + " || " + choices.get(i))
                .collect(Collectors.joining(" || "));
        return "question || " + lines + " || " + quotedText("\nAnswer:");
    }

    static String quotedName(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    static String quotedText(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
