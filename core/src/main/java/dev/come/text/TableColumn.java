package dev.come.text;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A column of a table, as DuckDB gives it and as it is.
 *
 * @param name as the file has it; DuckDB takes two names that differ in case only for one, and changes the second
 * @param sqlName what DuckDB calls it
 * @param type DuckDB's type
 * @param trouble why DuckDB would give other values than the file has, where it would
 */
record TableColumn(String name, String sqlName, String type, Optional<String> trouble) {
    /** DuckDB 1.5 reads decimals with more digits as floating-point numbers, and wrong ones; findings/ shows it. */
    private static final int MOST_DIGITS = 38;
    /** Fields within each other; tables have a few. */
    private static final int DEEPEST = 100;
    private static final String JSON = "JSON";
    private static final String DECIMAL = "DECIMAL(";

    /** A text of JSON that is the column's value. What the file has as a text that holds JSON stays a text. */
    String json() {
        String column = RowRecipe.quotedName(sqlName);
        return "to_json(" + (type.equals(JSON) ? column + "::VARCHAR" : column) + ")::VARCHAR";
    }

    /** Whether its numbers may have more digits than a floating-point number. */
    boolean isExact() {
        return type.contains(DECIMAL);
    }

    /** What parquet says of the parts of a file's rows, from front to back; a part is followed by those that lie in it. */
    static final class Parts {
        private record Part(String name, int children, Optional<Integer> digits) {}

        private final List<Part> parts = new ArrayList<>();
        private int at;

        /** Reads the rows of {@code name, num_children, precision, converted_type} for a file. */
        Parts(ResultSet schema) throws SQLException {
            while (schema.next()) {
                @Nullable
                String converted = schema.getString(4);
                int digits = schema.getInt(3);
                boolean isDecimal = !schema.wasNull() && "DECIMAL".equals(converted);
                parts.add(new Part(schema.getString(1), schema.getInt(2),
                        isDecimal ? Optional.of(digits) : Optional.empty()));
            }
        }

        /** The names of the columns with what DuckDB would make wrong of each. */
        List<Column> columns() {
            List<Column> columns = new ArrayList<>();
            at = 1; // the first part is the row
            while (at < parts.size()) {
                columns.add(new Column(parts.get(at).name, trouble(1)));
            }
            return columns;
        }

        record Column(String name, Optional<String> trouble) {}

        private Optional<String> trouble(int depth) {
            Part part = parts.get(at++);
            Optional<String> found = part.digits.filter(digits -> digits > MOST_DIGITS)
                    .map(digits -> "has decimals of %s digits, where %s are read at most; write it as a text"
                            .formatted(digits, MOST_DIGITS));
            Set<String> names = new HashSet<>();
            for (int i = 0; i < part.children && at < parts.size(); i++) {
                if (depth == DEEPEST) {
                    return Optional.of("has fields within each other, deeper than " + DEEPEST);
                }
                String name = parts.get(at).name;
                if (!names.add(name.toLowerCase(Locale.ROOT)) && found.isEmpty()) {
                    found = Optional.of("has fields in it that differ in case only (%s); give one of them another name"
                            .formatted(name));
                }
                Optional<String> inside = trouble(depth + 1);
                found = found.or(() -> inside);
            }
            return found;
        }
    }
}
