package dev.come.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Rows under headings: the first column names the row and is left aligned, the others are right aligned. */
final class Table {
    private static final String GAP = "  ";

    private final List<List<String>> lines = new ArrayList<>();

    Table(String... headings) {
        lines.add(List.of(headings));
    }

    /** Adds a row with as many cells as there are headings; returns this table. */
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

    private static String aligned(List<String> line, int[] widths) {
        StringBuilder text = new StringBuilder();
        for (int column = 0; column < widths.length; column++) {
            String padding = " ".repeat(widths[column] - line.get(column).length());
            if (column == 0) {
                text.append(line.get(column)).append(padding);
            } else {
                text.append(GAP).append(padding).append(line.get(column));
            }
        }
        return text.toString().stripTrailing();
    }
}
