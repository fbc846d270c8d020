package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Shown;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.duckdb.DuckDBConnection;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Rows of named fields: parquet or CSV (with a header line, commas, and double quotes where needed), read by DuckDB.
 */
record TableFile(Path path, List<RowRecipe> recipes) implements RowFile {
    /** What DuckDB may take beside the Java heap. A group of rows of a parquet file is in memory as a whole. */
    private static final String MEMORY = "4GB";
    private static final int LONGEST_REASON = 300;
    private static final JsonMapper JSON = new JsonMapper();
    /** Keeps all digits of a number. */
    private static final JsonMapper EXACT = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    private static @Nullable DuckDBConnection database;

    @Override
    public void read(RowSink sink) {
        query(connection -> {
            Map<String, TableColumn> columns = columns(connection);
            RowRecipe recipe = recipe(columns);
            String query = "SELECT " + recipe.sql(field -> column(columns, field).sqlName()) + " FROM "
                    + format().tableFunction(sqlNames(columns, recipe));
            try (PreparedStatement statement = prepare(connection, query); ResultSet rows = statement.executeQuery()) {
                for (long row = 0; !sink.isFull() && rows.next(); row++) {
                    if (sink.begin()) {
                        String text = rows.getString(1);
                        if (text == null) {
                            throw recipe.noText(path, row);
                        }
                        sink.text(text);
                        sink.end();
                    }
                }
            }
            return sink;
        });
    }

    @Override
    public long count() {
        return query(connection -> {
            Map<String, TableColumn> columns = columns(connection);
            try (PreparedStatement statement = prepare(connection,
                    "SELECT count(*) FROM " + format().tableFunction(sqlNames(columns, recipe(columns))));
                    ResultSet count = statement.executeQuery()) {
                count.next();
                return count.getLong(1);
            }
        });
    }

    /**
     * All rows as JSON objects. In CSV a field with nothing in it is an empty text.
     *
     * @throws InvalidInputException also if there is a column whose values would be others than those of the file
     */
    List<ObjectNode> objects() {
        return query(connection -> {
            List<TableColumn> columns = List.copyOf(columns(connection).values());
            columns.forEach(column -> column.trouble().ifPresent(trouble -> {
                throw new InvalidInputException(path + ": the field " + Shown.of(column.name()) + " " + trouble + ".");
            }));
            String query = "SELECT " + columns.stream().map(TableColumn::json).collect(Collectors.joining(", "))
                    + " FROM " + format().tableFunction(
                            columns.stream().map(TableColumn::sqlName).collect(Collectors.toSet()));
            List<ObjectNode> rows = new ArrayList<>();
            try (PreparedStatement statement = prepare(connection, query); ResultSet found = statement.executeQuery()) {
                while (found.next()) {
                    ObjectNode row = JSON.createObjectNode();
                    for (int i = 0; i < columns.size(); i++) {
                        row.set(columns.get(i).name(), value(columns.get(i), found.getString(i + 1), rows.size()));
                    }
                    rows.add(row);
                }
            }
            return rows;
        });
    }

    private JsonNode value(TableColumn column, @Nullable String json, int row) {
        try {
            return json == null ? JSON.nullNode() : (column.isExact() ? EXACT : JSON).readTree(json);
        } catch (JacksonException e) {
            throw new InvalidInputException(path + ": the field " + Shown.of(column.name()) + " of row " + row
                    + " (counted from 0) cannot be read as JSON: " + Shown.of(e.getOriginalMessage()), e);
        }
    }

    private interface Query<T> {
        T run(Connection connection) throws SQLException;
    }

    private <T> T query(Query<T> query) {
        requireContent();
        try (Connection connection = connect()) {
            return query.run(connection);
        } catch (SQLException e) {
            String reason = reason(e);
            throw new InvalidInputException(reason.startsWith("Out of Memory")
                    ? path + " has rows that need more than the " + MEMORY + " that are given for reading tables:"
                            + " write the file with fewer rows in a group, or with shorter ones."
                    : path + " cannot be read as " + format().description() + ": " + reason, e);
        }
    }

    private void requireContent() {
        try {
            InputFile.check(path);
            if (Files.size(path) == 0) {
                throw new InvalidInputException(path + " is empty: " + format().description() + " was expected.");
            }
        } catch (IOException e) {
            throw new InvalidInputException(path + " cannot be read: " + IoReason.of(e), e);
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
            settings.setProperty("memory_limit", MEMORY);
            settings.setProperty("temp_directory", ""); // or it would make a folder in the current one
            settings.setProperty("jdbc_stream_results", "true");
            database = DuckDbLibrary.loaded(
                    () -> DriverManager.getConnection("jdbc:duckdb:", settings).unwrap(DuckDBConnection.class));
        }
        return database.duplicate();
    }

    /** The columns by their names, in their order. */
    private Map<String, TableColumn> columns(Connection connection) throws SQLException {
        // One after the other: a connection has one result at a time.
        Map<String, String> types = new LinkedHashMap<>();
        try (PreparedStatement statement = prepare(connection,
                "DESCRIBE SELECT * FROM " + format().tableFunction(Set.of()));
                ResultSet fields = statement.executeQuery()) {
            while (fields.next()) {
                types.put(fields.getString(1), fields.getString(2));
            }
        }
        List<TableColumn.Parts.Column> real = format().realNames(this, connection);
        Map<String, TableColumn> columns = new LinkedHashMap<>();
        types.forEach((sqlName, type) -> {
            Optional<TableColumn.Parts.Column> part = Optional.of(columns.size()).filter(i -> i < real.size())
                    .map(real::get);
            String name = part.map(TableColumn.Parts.Column::name)
                    .filter(known -> !known.isEmpty() && !columns.containsKey(known)).orElse(sqlName);
            columns.put(name, new TableColumn(name, sqlName, type, part.flatMap(TableColumn.Parts.Column::trouble)));
        });
        return columns;
    }

    private static TableColumn column(Map<String, TableColumn> columns, String name) {
        return Objects.requireNonNull(columns.get(name));
    }

    private static Set<String> sqlNames(Map<String, TableColumn> columns, RowRecipe recipe) {
        return recipe.fields().stream().map(field -> column(columns, field).sqlName())
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private RowRecipe recipe(Map<String, TableColumn> columns) {
        RowRecipe recipe = RowRecipe.first(recipes, columns.keySet(), path);
        for (String field : recipe.fields()) {
            String type = column(columns, field).type();
            String expected = recipe.isList(field) ? "VARCHAR[]" : "VARCHAR";
            if (!type.equals(expected) && !type.startsWith("ENUM")) {
                throw new InvalidInputException(path + " has the type " + abridged(type) + " in the field " + field
                        + ", where " + (recipe.isList(field) ? "a list of texts" : "a text") + " (" + expected
                        + ") was expected.");
            }
        }
        return recipe;
    }

    /** A query whose parameter is the file. */
    PreparedStatement prepare(Connection connection, String query) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(query);
        // The name is no pattern, and no address: what begins with "file:" is a folder.
        statement.setString(1, path.toAbsolutePath().toString().replaceAll("[*?\\[]", "[$0]"));
        return statement;
    }

    /** DuckDB adds the query and advice about its own options in further lines, and may quote a line of the file. */
    private static String reason(SQLException e) {
        return abridged(String.valueOf(e.getMessage()).lines().filter(line -> !line.contains("closed pending query"))
                .findFirst().orElse("").strip());
    }

    private static String abridged(String text) {
        return text.length() > LONGEST_REASON ? text.substring(0, LONGEST_REASON) + "..." : text;
    }

    private TableFormat format() {
        return TableFormat.of(path);
    }
}
