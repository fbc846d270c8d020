package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
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
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collector;
import java.util.stream.Collectors;
import org.duckdb.DuckDBConnection;
import org.jspecify.annotations.Nullable;

/**
 * Rows of named fields: parquet or CSV (with a header line, commas, and double quotes where needed), read by DuckDB.
 */
record TableFile(Path path, List<RowRecipe> recipes) implements RowFile {
    /** What DuckDB may take beside the Java heap. A group of rows of a parquet file is in memory as a whole. */
    private static final String MEMORY = "4GB";
    /** Bytes of a row of CSV. DuckDB reads into buffers of twice that; left to itself it would take sixteen times. */
    private static final int LONGEST_LINE = 1 << 26;
    private static final int LONGEST_REASON = 300;

    private static @Nullable DuckDBConnection database;

    @Override
    public void read(RowSink sink) {
        query(connection -> {
            RowRecipe recipe = recipe(connection);
            String query = "SELECT " + recipe.sql() + " FROM " + format().tableFunction(recipe.fields());
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
            RowRecipe recipe = recipe(connection);
            try (PreparedStatement statement = prepare(connection,
                    "SELECT count(*) FROM " + format().tableFunction(recipe.fields()));
                    ResultSet count = statement.executeQuery()) {
                count.next();
                return count.getLong(1);
            }
        });
    }

    /** All rows as texts of JSON objects. In CSV a field with nothing in it is an empty text. */
    List<String> jsonRows() {
        return query(connection -> {
            String query = "SELECT to_json(row_of_file)::VARCHAR FROM "
                    + format().tableFunction(fields(connection).keySet()) + " AS row_of_file";
            List<String> rows = new ArrayList<>();
            try (PreparedStatement statement = prepare(connection, query); ResultSet found = statement.executeQuery()) {
                while (found.next()) {
                    rows.add(found.getString(1));
                }
            }
            return rows;
        });
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
                    : path + " cannot be read as " + format().description + ": " + reason, e);
        }
    }

    private void requireContent() {
        try {
            InputFile.check(path);
            if (Files.size(path) == 0) {
                throw new InvalidInputException(path + " is empty: " + format().description + " was expected.");
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

    /** The names of the fields and their SQL types. */
    private Map<String, String> fields(Connection connection) throws SQLException {
        Map<String, String> types = new LinkedHashMap<>();
        try (PreparedStatement statement = prepare(connection,
                "DESCRIBE SELECT * FROM " + format().tableFunction(Set.of()));
                ResultSet fields = statement.executeQuery()) {
            while (fields.next()) {
                types.put(fields.getString(1), fields.getString(2));
            }
        }
        return types;
    }

    private RowRecipe recipe(Connection connection) throws SQLException {
        Map<String, String> types = fields(connection);
        RowRecipe recipe = RowRecipe.first(recipes, types.keySet(), path);
        for (String field : recipe.fields()) {
            String type = Objects.requireNonNull(types.get(field));
            String expected = recipe.isList(field) ? "VARCHAR[]" : "VARCHAR";
            if (!type.equals(expected) && !type.startsWith("ENUM")) {
                throw new InvalidInputException(path + " has the type " + abridged(type) + " in the field " + field
                        + ", where " + (recipe.isList(field) ? "a list of texts" : "a text") + " (" + expected
                        + ") was expected.");
            }
        }
        return recipe;
    }

    private PreparedStatement prepare(Connection connection, String query) throws SQLException {
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

    private Format format() {
        return Arrays.stream(Format.values())
                .filter(format -> format.endings.stream().anyMatch(ending -> path.toString().endsWith("." + ending)))
                .findFirst().orElseThrow();
    }

    @SuppressWarnings("ImmutableEnumChecker") // its list is unmodifiable
    private enum Format {
        PARQUET("parquet", "parquet"), CSV(
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
         * @param fields the fields that are needed; none while it is not known which there are
         */
        String tableFunction(Set<String> fields) {
            // A folder that is called "text=7" would otherwise be a field.
            return switch (this) {
                case PARQUET -> "read_parquet(?, hive_partitioning=false)";
                case CSV ->
                    "read_csv(?, hive_partitioning=false, header=true, all_varchar=true, delim=',', quote='\"',"
                            + " escape='\"', comment='', skip=0, max_line_size=" + LONGEST_LINE + ", buffer_size="
                            + 2 * LONGEST_LINE
                            + fields.stream().map(RowRecipe::quotedText).collect(list(", force_not_null=[", "]"))
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
