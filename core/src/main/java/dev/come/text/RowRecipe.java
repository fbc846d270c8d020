package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How the fields of a table make the text of a row: its parts, one after the other.
 *
 * @param parts at least one of them is no {@link Literal}
 */
record RowRecipe(List<Part> parts) {
    /** A part of a row's text. */
    sealed interface Part {
    }

    /** The same text in every row. */
    record Literal(String text) implements Part {}

    /** The text of a field. */
    record Field(String name) implements Part {}

    /** A text of a field that is a list of texts; the first has the index 0. */
    record Item(String name, int index) implements Part {}

    RowRecipe {
        parts = List.copyOf(parts);
    }

    /** The text is that of one field. */
    static RowRecipe field(String name) {
        return joined("", name);
    }

    /** The text is that of several fields with a separator between them. */
    static RowRecipe joined(String separator, String... names) {
        return new RowRecipe(Stream.of(names)
                .<Part>mapMulti((name, parts) -> {
                    parts.accept(new Literal(separator));
                    parts.accept(new Field(name));
                }).skip(1).toList());
    }

    /** A question with four choices in fields of their own, {@code choice0} to {@code choice3}. */
    static RowRecipe questionWithChoiceFields() {
        return question(new Field("choice0"), new Field("choice1"), new Field("choice2"), new Field("choice3"));
    }

    /** A question with its four choices in one list. */
    static RowRecipe questionWithChoiceList() {
        return question(new Item("choices", 0), new Item("choices", 1), new Item("choices", 2),
                new Item("choices", 3));
    }

    private static RowRecipe question(Part... choices) {
        List<Part> parts = new ArrayList<>();
        parts.add(new Field("question"));
        for (int i = 0; i < choices.length; i++) {
            parts.add(new Literal("\n" + "ABCD".charAt(i) + ". "));
            parts.add(choices[i]);
        }
        parts.add(new Literal("\nAnswer:"));
        return new RowRecipe(parts);
    }

    /** The names of the fields that are needed, in a fixed order. */
    Set<String> fields() {
        return parts.stream().flatMap(part -> switch (part) {
            case Literal _ -> Stream.<String>empty();
            case Field(String name) -> Stream.of(name);
            case Item(String name, int _) -> Stream.of(name);
        }).collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /** Whether the field is a list of texts rather than a text. */
    boolean isList(String field) {
        return parts.stream().anyMatch(part -> part instanceof Item(String name, int _) && name.equals(field));
    }

    /** The text as an SQL expression over the fields; {@code column}: what SQL calls a field. */
    String sql(UnaryOperator<String> column) {
        return parts.stream().map(part -> switch (part) {
            case Literal(String text) -> quotedText(text);
            case Field(String name) -> quotedName(column.apply(name));
            case Item(String name, int index) -> quotedName(column.apply(name)) + "[" + (index + 1) + "]";
        }).collect(Collectors.joining(" || "));
    }

    /**
     * The first recipe whose fields are all there.
     *
     * @param names the fields of the file
     * @throws InvalidInputException if there is none
     */
    static RowRecipe first(List<RowRecipe> recipes, Collection<String> names, Path path) {
        return recipes.stream().filter(recipe -> names.containsAll(recipe.fields())).findFirst()
                .orElseThrow(() -> new InvalidInputException(path + " has no field "
                        + recipes.stream().map(recipe -> String.join(" and ", recipe.fields()))
                                .collect(Collectors.joining(", nor "))
                        + "; it has " + abridged(names) + "."));
    }

    private static String abridged(Collection<String> names) {
        int most = 50;
        return names.stream().limit(most).map(Shown::of).collect(Collectors.joining(", "))
                + (names.size() > most ? " and " + (names.size() - most) + " more" : "");
    }

    /** Says that a row lacks its text. */
    InvalidInputException noText(Path path, long row) {
        return new InvalidInputException(path + " has a row without text: row " + row + " (counted from 0) lacks "
                + String.join(" or ", fields()) + ".");
    }

    static String quotedName(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    static String quotedText(String text) {
        return "'" + text.replace("'", "''") + "'";
    }
}
