package dev.come.text;

import dev.come.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.BiConsumer;
import java.util.function.IntPredicate;
import java.util.stream.Collector;
import java.util.stream.Collectors;
import org.duckdb.DuckDBConnection;
import org.jspecify.annotations.Nullable;

/**
 * Rows of named fields: parquet, JSON (an array of objects, or one object after the other) or CSV (with a header line,
 * commas, and double quotes where needed), read by DuckDB.
 */
record TableFile(Path path, List<RowRecipe> recipes) implements RowFile {
    /** What the names of such files end in. */
    static final List<String> ENDINGS = Arrays.stream(Format.values()).flatMap(format -> format.endings.stream())
            .toList();

    private static @Nullable DuckDBConnection database;

    @Override
    public int scan(IntPredicate wanted, BiConsumer<Integer, String> found) {
        requireContent();
        try (Connection connection = connect()) {
            RowRecipe recipe = recipeFor(fields(connection));
            String query = "SELECT " + recipe.sql() + " FROM "
                    + format().tableFunction(recipe.fields());
            int count = 0;
            try (PreparedStatement statement = prepare(connection, query); ResultSet rows = statement.executeQuery()) {
                for (; rows.next(); count++) {
                    if (wanted.test(count)) {
                        found.accept(count, text(rows, count, recipe));
                    }
                }
            }
            return count;
        } catch (SQLException e) {
            throw new InvalidInputException(path + " cannot be read as " + format().description + ": " + firstLine(e),
                    e);
        }
    }

    /** All rows as texts of JSON objects. In CSV a field with nothing in it is an empty text. */
    List<String> jsonRows() {
        requireContent();
        try (Connection connection = connect()) {
            Map<String, String> fields = new LinkedHashMap<>();
            fields(connection).forEach(name -> fields.put(name, "JSON"));
            String query = "SELECT to_json(row_of_file)::VARCHAR FROM " + format().tableFunction(fields)
                    + " AS row_of_file";
            List<String> rows = new ArrayList<>();
            try (PreparedStatement statement = prepare(connection, query); ResultSet found = statement.executeQuery()) {
                while (found.next()) {
                    rows.add(found.getString(1));
                }
            }
            return rows;
        } catch (SQLException e) {
            throw new InvalidInputException(path + " cannot be read as " + format().description + ": " + firstLine(e),
                    e);
        }
    }

    private void requireContent() {
        try {
            if (Files.size(path) == 0) {
                throw new InvalidInputException(path + " is empty: " + format().description + " was expected.");
            }
        } catch (IOException e) {
            throw new InvalidInputException(path + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** A connection to the one database in memory: opening a database costs a hundred times what a connection does. */
    private static synchronized Connection connect() throws SQLException {
        if (database == null) {
            Properties settings = new Properties();
            // Nothing is fetched from a server, and nothing but what the jar holds is loaded.
            settings.setProperty("autoinstall_known_extensions", "false");
            settings.setProperty("autoload_known_extensions", "false");
            // One thread needs one set of buffers; streaming keeps a large result from being held as a whole.
            settings.setProperty("threads", "1");
            settings.setProperty("jdbc_stream_results", "true");
            database = DriverManager.getConnection("jdbc:duckdb:", settings).unwrap(DuckDBConnection.class);
        }
        return database.duplicate();
    }

    private List<String> fields(Connection connection) throws SQLException {
        List<String> names = new ArrayList<>();
        try (PreparedStatement statement = prepare(connection,
                "DESCRIBE SELECT * FROM " + format().tableFunction(Map.of()));
                ResultSet fields = statement.executeQuery()) {
            while (fields.next()) {
                names.add(fields.getString(1));
            }
        }
        return names;
    }

    private RowRecipe recipeFor(List<String> names) {
        return recipes.stream().filter(recipe -> names.containsAll(recipe.fields().keySet())).findFirst()
                .orElseThrow(() -> new InvalidInputException(path + " has no field "
                        + recipes.stream().map(recipe -> String.join(" and ", recipe.fields().keySet()))
                                .collect(Collectors.joining(", nor "))
                        + "; it has " + String.join(", ", names) + "."));
    }

    private PreparedStatement prepare(Connection connection, String query) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(query);
        statement.setString(1, path.toString().replaceAll("[*?\\[]", "[$0]")); // the name is no pattern
        return statement;
    }

    private String text(ResultSet rows, int row, RowRecipe recipe) throws SQLException {
        String text = rows.getString(1);
        if (text == null) {
            throw new InvalidInputException(path + " has a row without text: row " + row + " (counted from 0) lacks "
                    + String.join(" or ", recipe.fields().keySet()) + ".");
        }
        return text;
    }

    /** DuckDB adds the query and advice about its own options in further lines. */
    private static String firstLine(SQLException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("").strip();
    }

    private Format format() {
        return Arrays.stream(Format.values())
                .filter(format -> format.endings.stream().anyMatch(ending -> path.toString().endsWith("." + ending)))
                .findFirst().orElseThrow();
    }

    @SuppressWarnings("ImmutableEnumChecker") // its list is unmodifiable
    private enum Format {
        PARQUET("parquet", "parquet"), JSON("UTF-8 JSON objects", "jsonl", "jsonl.gz", "json", "json.gz"), CSV(
                "UTF-8 CSV with a header line, commas between fields and double quotes around them", "csv", "csv.gz");

        private final String description;
        private final List<String> endings;

        Format(String description, String... endings) {
            this.description = description;
            this.endings = List.of(endings);
        }

        /**
         * The SQL that reads a file, whose name is its parameter. Nothing is left for DuckDB to guess: it would take a text
         * that looks like a date for one, and skip lines that do not look like the others.
         *
         * @param fields the fields that are needed and their types; none while it is not known which there are
         */
        String tableFunction(Map<String, String> fields) {
            return switch (this) {
                case PARQUET -> "read_parquet(?)";
                case JSON -> "read_json(?" + fields.entrySet().stream()
                        .map(field -> RowRecipe.quotedName(field.getKey()) + ": "
                                + RowRecipe.quotedText(field.getValue()))
                        .collect(list(", columns={", "}")) + ")";
                case CSV ->
                    "read_csv(?, header=true, all_varchar=true, delim=',', quote='\"', escape='\"', comment='', skip=0"
                            + fields.keySet().stream().map(RowRecipe::quotedText)
                                    .collect(list(", force_not_null=[", "]"))
                            + ")";
            };
        }

        /** An option with a list of values, or nothing if there are none. */
        private static Collector<CharSequence, ?, String> list(String prefix, String suffix) {
            return Collectors.collectingAndThen(Collectors.joining(", "),
                    values -> values.isEmpty() ? "" : prefix + values + suffix);
        }
    }
}
