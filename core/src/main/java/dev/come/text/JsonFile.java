package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * JSON objects, one after the other or in an array, in UTF-8, compressed with gzip if the name ends so. Objects are read as
 * a stream: only the fields of one row are in memory, and rows that nobody wants are passed over.
 */
record JsonFile(Path path, List<RowRecipe> recipes) implements RowFile {
    /** What the names of such files end in. */
    static final List<String> ENDINGS = List.of("jsonl", "jsonl.gz", "json", "json.gz");

    /** Characters of one text: the parser and a copy hold two bytes for each, so it takes up to 6/16 of Java's memory. */
    private static final int LONGEST_TEXT = (int) Math.min(1 << 28, Runtime.getRuntime().maxMemory() / 16);
    /** Objects and lists within each other: data have a few, and every level takes stack where it is read. */
    private static final int DEEPEST = 100;
    /** Different names of fields: a table has some, and an object with more is no row. */
    private static final int MOST_FIELDS = 10_000;
    /** Rows that are looked at to know which fields there are. */
    private static final int SAMPLED_ROWS = 20_480;

    private static final JsonMapper MAPPER = new JsonMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(LONGEST_TEXT)
                    .maxNestingDepth(DEEPEST).build())
            .build());

    /** Reads one row, whose opening brace is the current token, to its closing brace. */
    private interface RowReader {
        /** Returns whether more rows are wanted. */
        boolean read(JsonParser parser, int row);
    }

    @Override
    public void read(RowSink sink) {
        RowRecipe recipe = recipe();
        rows((parser, row) -> {
            if (sink.begin()) {
                Map<String, List<String>> texts = texts(parser, row, recipe);
                recipe.parts().forEach(part -> sink.text(text(part, texts, row, recipe)));
                sink.end();
            } else {
                parser.skipChildren();
            }
            return !sink.isFull();
        });
    }

    @Override
    public long count() {
        recipe();
        return RowFile.super.count();
    }

    /** All rows, each with all fields that any row has: null where it has none. */
    List<ObjectNode> objects() {
        List<JsonNode> rows = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>();
        rows((parser, row) -> {
            JsonNode object = parser.readValueAsTree();
            object.propertyNames().forEach(name -> addField(names, name));
            return rows.add(object);
        });
        return rows.stream().map(row -> {
            ObjectNode whole = MAPPER.createObjectNode();
            names.forEach(name -> whole.set(name, row.has(name) ? row.get(name) : MAPPER.nullNode()));
            return whole;
        }).toList();
    }

    /** Whether the first row has a field of this name. */
    boolean has(String field) {
        Set<String> names = new LinkedHashSet<>();
        rows((parser, _) -> {
            parser.readValueAsTree().propertyNames().forEach(name -> addField(names, name));
            return false;
        });
        return names.contains(field);
    }

    /** The first recipe for which all fields are there. */
    private RowRecipe recipe() {
        Set<String> names = new LinkedHashSet<>();
        rows((parser, row) -> {
            for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                addField(names, name);
                parser.nextToken();
                parser.skipChildren();
            }
            return row + 1 < SAMPLED_ROWS && !names.containsAll(recipes.getFirst().fields());
        });
        return RowRecipe.first(recipes, names, path);
    }

    private void addField(Set<String> names, String name) {
        if (names.add(name) && names.size() > MOST_FIELDS) {
            throw new InvalidInputException(path + " has more than " + MOST_FIELDS
                    + " different fields: rows that all have the same few fields were expected.");
        }
    }

    /** The texts of the fields that are needed. */
    private Map<String, List<String>> texts(JsonParser parser, int row, RowRecipe recipe) {
        Set<String> fields = recipe.fields();
        Map<String, List<String>> texts = new HashMap<>();
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
            JsonToken value = parser.nextToken();
            if (!fields.contains(name)) {
                parser.skipChildren();
            } else if (value != JsonToken.VALUE_NULL) {
                texts.put(name, recipe.isList(name) ? items(parser, row, name) : List.of(text(parser, row, name)));
            }
        }
        return texts;
    }

    private List<String> items(JsonParser parser, int row, String field) {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw wrongType(parser, row, field, "a list of texts");
        }
        List<String> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            items.add(text(parser, row, field));
        }
        return items;
    }

    private String text(JsonParser parser, int row, String field) {
        if (parser.currentToken() != JsonToken.VALUE_STRING) {
            throw wrongType(parser, row, field, "a text");
        }
        String text = parser.getString();
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i)) && !Character.isSurrogatePair(text.charAt(i),
                    ++i < text.length() ? text.charAt(i) : 0)) {
                throw new InvalidInputException(path + " has half of a surrogate pair in the field " + field
                        + " of row " + row + " (counted from 0), which is no character: mend the file.");
            }
        }
        return text;
    }

    private InvalidInputException wrongType(JsonParser parser, int row, String field, String expected) {
        JsonToken token = Objects.requireNonNull(parser.currentToken());
        String found = switch (token) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "a list";
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
            case VALUE_STRING -> "a text";
            case VALUE_NULL -> "null";
            default -> "a truth value";
        };
        return new InvalidInputException(path + " has " + found + " in the field " + field + " of row " + row
                + " (counted from 0), where " + expected + " was expected.");
    }

    private String text(RowRecipe.Part part, Map<String, List<String>> texts, int row, RowRecipe recipe) {
        @Nullable
        String text = switch (part) {
            case RowRecipe.Literal(String literal) -> literal;
            case RowRecipe.Field(String name) -> item(texts, name, 0);
            case RowRecipe.Item(String name, int index) -> item(texts, name, index);
        };
        if (text == null) {
            throw recipe.noText(path, row);
        }
        return text;
    }

    private static @Nullable String item(Map<String, List<String>> texts, String name, int index) {
        List<String> items = texts.getOrDefault(name, List.of());
        return index < items.size() ? items.get(index) : null;
    }

    private void rows(RowReader reader) {
        try (InputStream file = InputFile.stream(path);
                InputStream plain = path.toString().endsWith(".gz") ? new GZIPInputStream(file, 1 << 16) : file;
                JsonParser parser = MAPPER.createParser(plain)) {
            if (parser.nextToken() == null && Files.size(path) == 0) {
                throw new InvalidInputException(path + " is empty: UTF-8 JSON objects was expected.");
            }
            int row = 0;
            for (JsonToken token = parser.currentToken(); token != null; token = parser.nextToken()) {
                if (token == JsonToken.START_OBJECT) {
                    if (!reader.read(parser, row++)) {
                        return;
                    }
                } else if (parser.streamReadContext().getNestingDepth() > 1
                        || (token != JsonToken.START_ARRAY && token != JsonToken.END_ARRAY)) {
                    throw new InvalidInputException(path + " has something else than an object as row " + row
                            + " (counted from 0): UTF-8 JSON objects were expected, one after the other or in one list.");
                }
            }
        } catch (StreamConstraintsException e) {
            throw new InvalidInputException(path + " is beyond what is read of a JSON file: "
                    + firstLine(e.getOriginalMessage())
                    + "; divide it into more and flatter rows, or give Java more memory"
                    + " with COME_JAVA_OPTS=-Xmx8g.", e);
        } catch (JacksonIOException e) {
            throw new InvalidInputException(
                    path + " cannot be read: " + IoReason.of(Objects.requireNonNull(e.getCause())), e);
        } catch (JacksonException e) {
            throw new InvalidInputException(path + " cannot be read as UTF-8 JSON objects: "
                    + firstLine(e.getOriginalMessage()) + " (line " + e.getLocation().getLineNr() + ").", e);
        } catch (IOException e) {
            throw new InvalidInputException(path + " cannot be read: " + IoReason.of(e), e);
        }
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("").strip();
    }
}
