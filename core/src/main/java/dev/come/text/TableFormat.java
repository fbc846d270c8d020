package dev.come.text;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collector;
import java.util.stream.Collectors;

/** How a {@link TableFile} is read by DuckDB. */
@SuppressWarnings("ImmutableEnumChecker") // its list is unmodifiable
enum TableFormat {
    PARQUET("parquet", "parquet"), CSV(
            "UTF-8 CSV with a header line, commas between fields and double quotes around them", "csv", "csv.gz");

    /** Bytes of a row of CSV. DuckDB reads into buffers of twice that; left to itself it would take sixteen times. */
    private static final int LONGEST_LINE = 1 << 26;

    private final String description;
    private final List<String> endings;

    TableFormat(String description, String... endings) {
        this.description = description;
        this.endings = List.of(endings);
    }

    /** The format of a file, by its ending. */
    static TableFormat of(Path path) {
        return Arrays.stream(values()).filter(format -> RowFile.endsInOneOf(path, format.endings)).findFirst()
                .orElseThrow();
    }

    /** What the file should be, for messages. */
    String description() {
        return description;
    }

    /** The columns as the file has them, before DuckDB changes names that differ in case only. */
    List<TableColumn.Parts.Column> realNames(TableFile file, Connection connection) throws SQLException {
        return switch (this) {
            case PARQUET -> {
                try (PreparedStatement statement = file.prepare(connection,
                        "SELECT name, num_children, precision, converted_type FROM parquet_schema(?)");
                        ResultSet schema = statement.executeQuery()) {
                    yield new TableColumn.Parts(schema).columns();
                }
            }
            case CSV -> {
                List<TableColumn.Parts.Column> names = new ArrayList<>();
                try (PreparedStatement statement = file.prepare(connection, "SELECT * FROM "
                        + tableFunction(Set.of()).replace("header=true", "header=false") + " LIMIT 1");
                        ResultSet line = statement.executeQuery()) {
                    boolean any = line.next();
                    for (int i = 1; any && i <= line.getMetaData().getColumnCount(); i++) {
                        names.add(new TableColumn.Parts.Column(
                                Objects.requireNonNullElse(line.getString(i), ""), Optional.empty()));
                    }
                }
                yield names;
            }
        };
    }

    /**
     * The SQL that reads a file, whose name is its parameter. Nothing is left for DuckDB to guess: it would take a text
     * that looks like a date for one, and skip lines that do not look like the others.
     *
     * @param fields what DuckDB calls the fields that are needed; none while it is not known which there are
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
