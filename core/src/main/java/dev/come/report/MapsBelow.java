package dev.come.report;

import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Box;
import dev.come.report.Drawing.Line;
import dev.come.report.Drawing.Mark;
import dev.come.report.Drawing.Words;
import dev.come.report.Report.Chart;
import dev.come.report.Report.LegendKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What became of each layer in several results, one below the other on one axis of the original layers. What lies in each
 * other was merged in turn.
 *
 * @param layers decoder layers of the dense model
 */
record MapsBelow(int layers, List<Row> rows) {
    private static final double TOP = 24;
    private static final double ROW = 26;
    private static final double HEIGHT = 18;

    /** A result by its name. */
    record Row(String name, List<Piece> result) {}

    MapsBelow {
        rows = List.copyOf(rows);
    }

    /** The picture with its legend and table. */
    Chart chart() {
        List<LegendKey> keys = new ArrayList<>(List.of(LegendKey.box("kept", "kept as it was"),
                LegendKey.box("merged", "merged; what lies in each other was merged in turn"),
                new LegendKey(new Drawing(22, 16, 22, "", List.of(Line.straight(7, 4, 15, 12, "cross"),
                        Line.straight(7, 12, 15, 4, "cross"))), "removed")));
        if (rows.stream().flatMap(row -> row.result.stream()).anyMatch(Piece::isChanged)) {
            keys.add(LegendKey.box("kept changed", "given other weights"));
        }
        return new Chart("", "", drawing(), keys, new DataTable(List.of("result", "layers", "which"), rows.stream()
                .map(row -> List.of(Cell.of(row.name), Cell.of(row.result.size(), "" + row.result.size()),
                        Cell.of(row.result.stream().map(Piece::tree).toList().toString())))
                .toList()));
    }

    private double left() {
        return 14 + 7.4 * rows.stream().mapToInt(row -> row.name.length()).max().orElse(0);
    }

    private double cell() {
        return Math.clamp((940 - left()) / layers, 18, 48);
    }

    private Drawing drawing() {
        List<Mark> marks = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            marks.add(new Words(left() + (layer + 0.5) * cell(), 13, "" + layer, "middle small soft"));
        }
        for (int i = 0; i < rows.size(); i++) {
            double y = TOP + i * ROW;
            marks.add(new Words(0, y + 14, rows.get(i).name, "label"));
            Set<Integer> used = rows.get(i).result.stream().flatMapToInt(Piece::originals).boxed()
                    .collect(Collectors.toSet());
            rows.get(i).result.forEach(piece -> block(piece, y, 0, marks));
            for (int layer = 0; layer < layers; layer++) {
                if (!used.contains(layer)) {
                    int gone = layer;
                    boolean inside = rows.get(i).result.stream()
                            .anyMatch(piece -> piece.first() < gone && gone < piece.last());
                    cross(layer, y, rows.get(i).name, inside ? "cross inside" : "cross", marks);
                }
            }
        }
        int width = (int) Math.ceil(left() + layers * cell() + 2);
        return new Drawing(width, (int) (TOP + rows.size() * ROW),
                Math.min(width, Math.max(MergeMap.least(layers, width), 640)),
                "Maps of layers of " + rows.size() + " results, one below the other", marks);
    }

    private void block(Piece piece, double y, int inside, List<Mark> marks) {
        double inset = 1.5 + 2 * inside;
        double x = left() + piece.first() * cell() + inset;
        String style = inside > 0
                ? "inner"
                : (piece.isMerged() ? "merged" : "kept") + (piece.isChanged() ? " changed" : "");
        marks.add(new Box(x, y + 2.0 * inside, left() + (piece.last() + 1) * cell() - inset - x, HEIGHT - 4.0 * inside,
                style, piece.describe()));
        if (inside < 3) {
            piece.sources().stream().filter(Piece::isMerged).forEach(source -> block(source, y, inside + 1, marks));
        }
        if (piece.isMerged()) {
            for (Piece source : piece.sources()) {
                if (!source.isMerged()) {
                    marks.add(new Words(left() + (source.first() + 0.5) * cell(), y + 12.5, "" + source.first(),
                            "middle tiny inverse"));
                }
            }
        }
    }

    private void cross(int layer, double y, String name, String style, List<Mark> marks) {
        double x = left() + (layer + 0.5) * cell();
        double middle = y + HEIGHT / 2;
        marks.add(new Line(List.of(new Drawing.Point(x - 4, middle - 4), new Drawing.Point(x + 4, middle + 4)), style,
                1.5, name + ": layer " + layer + " removed"));
        marks.add(Line.straight(x - 4, middle + 4, x + 4, middle - 4, style));
    }
}
