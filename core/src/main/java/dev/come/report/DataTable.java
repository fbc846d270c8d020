package dev.come.report;

import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Rows under headings, for the page: all that a chart shows in numbers, or what has no chart.
 *
 * @param sorted whether the reader can sort it by a click on a heading
 */
public record DataTable(List<String> head, List<List<Cell>> rows, boolean sorted) {
    public DataTable {
        head = List.copyOf(head);
        rows = rows.stream().map(List::copyOf).toList();
        for (List<Cell> row : rows) {
            if (row.size() != head.size()) {
                throw new IllegalArgumentException(row.size() + " cells under " + head.size() + " headings");
            }
        }
    }

    public DataTable(List<String> head, List<List<Cell>> rows) {
        this(head, rows, false);
    }

    /**
     * A cell.
     *
     * @param text as the reader sees it
     * @param value the number that the text is rounded from; none for a text
     * @param best whether it is the best of its column
     */
    public record Cell(String text, OptionalDouble value, boolean best) {
        /** A text. */
        public static Cell of(String text) {
            return new Cell(text, OptionalDouble.empty(), false);
        }

        /** A number, with the digits that tell something. */
        public static Cell of(double value) {
            return of(value, Figures.decimals(value));
        }

        /** A number as a text says it. */
        public static Cell of(double value, String text) {
            return new Cell(text, Double.isFinite(value) ? OptionalDouble.of(value) : OptionalDouble.empty(), false);
        }

        /** An empty one where there is no number. */
        public static Cell of(OptionalDouble value) {
            return value.isPresent() ? of(value.getAsDouble()) : of("");
        }

        /** The number with all its digits; nothing for a text. */
        public @Nullable String exact() {
            return value.isPresent() ? Double.toString(value.getAsDouble()) : null;
        }

        /** The same, marked as the best. */
        Cell marked(boolean isBest) {
            return new Cell(text, value, isBest);
        }
    }

    /** Whether a column holds numbers, which are right aligned. */
    public boolean isNumeric(int column) {
        return rows.stream().anyMatch(row -> row.get(column).value().isPresent());
    }

    /** The styles of a cell; nothing if it has none. */
    public @Nullable String style(List<Cell> row, int column) {
        String style = (isNumeric(column) ? "number" : "") + (row.get(column).best() ? " best" : "");
        return style.isEmpty() ? null : style.strip();
    }
}
