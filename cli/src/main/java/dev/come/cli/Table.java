package dev.come.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Rows under headings: the first column names the row and is left aligned; the others are right aligned, as numbers are. */
final class Table {
    private static final String GAP = "  ";

    private final List<List<String>> lines = new ArrayList<>();
    private final boolean texts;

    Table(String... headings) {
        this(false, headings);
    }

    private Table(boolean texts, String... headings) {
        this.texts = texts;
        lines.add(List.of(headings));
    }

    /** A table of texts: all columns are left aligned. */
    static Table ofTexts(String... headings) {
        return new Table(true, headings);
    }

    /** Adds a row with one cell for each heading; returns this table. */
    Table row(String... cells) {
        if (cells.length != lines.getFirst().size()) {
            throw new IllegalArgumentException(cells.length + " cells under " + lines.getFirst().size() + " headings");
        }
        lines.add(List.of(cells));
        return this;
    }

    /** The table as lines of text, without a line end after the last. */
    @Override
    public String toString() {
        int[] widths = new int[lines.getFirst().size()];
        for (List<String> line : lines) {
            for (int column = 0; column < widths.length; column++) {
                widths[column] = Math.max(widths[column], line.get(column).length());
            }
        }
        return lines.stream().map(line -> aligned(line, widths)).collect(Collectors.joining(System.lineSeparator()));
    }

    private String aligned(List<String> line, int[] widths) {
        StringBuilder text = new StringBuilder();
        for (int column = 0; column < widths.length; column++) {
            String padding = " ".repeat(widths[column] - line.get(column).length());
            text.append(column == 0 ? "" : GAP);
            text.append(column == 0 || texts ? line.get(column) + padding : padding + line.get(column));
        }
        return text.toString().stripTrailing();
    }
}
