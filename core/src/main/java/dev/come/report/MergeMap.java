package dev.come.report;

import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Box;
import dev.come.report.Drawing.Line;
import dev.come.report.Drawing.Mark;
import dev.come.report.Drawing.Point;
import dev.come.report.Drawing.Words;
import dev.come.report.Report.Chart;
import dev.come.report.Report.LegendKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What became of each layer: the original ones above, the result below, and between them trees of merges.
 *
 * @param layers decoder layers of the dense model
 * @param result those of the result
 */
record MergeMap(int layers, List<Piece> result) {
    private static final double LEFT = 64;
    private static final double TOP = 8;
    private static final double CELL_HEIGHT = 26;
    private static final double LEVEL = 30;
    private static final double THICKEST = 7;
    private static final double GAP = 2;

    MergeMap {
        result = List.copyOf(result);
    }

    /** The picture with its legend and table. */
    Chart chart() {
        List<LegendKey> keys = new ArrayList<>(List.of(LegendKey.box("kept", "kept as it was")));
        if (result.stream().anyMatch(Piece::isMerged)) {
            keys.add(LegendKey.box("merged", "merged; lines are as thick as each share"));
        }
        if (!removed().isEmpty()) {
            keys.add(new LegendKey(new Drawing(22, 16, 22, "", crossed(2, 2, 18, 12, "")), "removed"));
        }
        if (result.stream().anyMatch(Piece::isChanged)) {
            keys.add(LegendKey.box("kept changed", "given other weights (" + changes() + ")"));
        }
        return new Chart("", "", drawing(), keys, table());
    }

    private String changes() {
        return result.stream().map(Piece::change).filter(change -> !change.isEmpty()).distinct()
                .collect(Collectors.joining(", "));
    }

    private Set<Integer> used() {
        return result.stream().flatMapToInt(Piece::originals).boxed().collect(Collectors.toSet());
    }

    /** The original layers that nothing is left of. */
    List<Integer> removed() {
        Set<Integer> used = used();
        return IntStream.range(0, layers).filter(layer -> !used.contains(layer)).boxed().toList();
    }

    private double cell() {
        return Math.clamp(880.0 / layers, 22, 44);
    }

    /** How narrow a map of so many layers may become; numbers can still be read then. */
    static int least(int layers, int width) {
        return (int) Math.min(width, LEFT + 29.0 * layers);
    }

    private double left(int layer) {
        return LEFT + layer * cell();
    }

    private double bottom() {
        int depth = result.stream().mapToInt(Piece::depth).max().orElse(0);
        return TOP + CELL_HEIGHT + LEVEL * Math.max(1, depth) + 14;
    }

    private Drawing drawing() {
        List<Mark> marks = new ArrayList<>();
        marks.add(new Words(0, TOP + 17, "before", "soft"));
        marks.add(new Words(0, bottom() + 17, "after", "soft"));
        Set<Integer> used = used();
        result.forEach(piece -> connect(piece, marks));
        for (int layer = 0; layer < layers; layer++) {
            if (used.contains(layer)) {
                marks.add(new Box(left(layer) + GAP, TOP, cell() - 2 * GAP, CELL_HEIGHT, "source",
                        "layer " + layer));
            } else {
                marks.addAll(crossed(left(layer) + GAP, TOP, cell() - 2 * GAP, CELL_HEIGHT,
                        "layer " + layer + " removed"));
            }
            marks.add(new Words(left(layer) + cell() / 2, TOP + 17, "" + layer,
                    used.contains(layer) ? "middle small" : "middle small faded"));
        }
        result.forEach(piece -> block(piece, marks));
        int width = (int) Math.ceil(left(layers) + 2);
        long kept = result.stream().filter(piece -> !piece.isMerged()).count();
        String label = String.format(Locale.ROOT,
                "Map of layers: of %s layers %s are left, %s of them as they were and %s merged; %s were removed",
                layers, result.size(), kept, result.size() - kept, removed().size());
        return new Drawing(width, (int) (bottom() + CELL_HEIGHT + 8), least(layers, width), label, marks);
    }

    /** Draws the tree of a layer, and returns where it ends. */
    private Point tree(Piece piece, List<Mark> marks) {
        if (!piece.isMerged()) {
            return new Point(left(piece.first()) + cell() / 2, TOP + CELL_HEIGHT);
        }
        List<Point> ends = piece.sources().stream().map(source -> tree(source, marks)).toList();
        double x = ends.stream().mapToDouble(Point::x).average().orElseThrow();
        double y = TOP + CELL_HEIGHT + LEVEL * piece.depth();
        for (int i = 0; i < ends.size(); i++) {
            boolean known = piece.shares().size() == ends.size();
            double share = known ? piece.shares().get(i) : 0;
            double thickness = known && share >= 0 && share <= 1 ? Math.max(1, THICKEST * share) : 2;
            String title = piece.sources().get(i).tree()
                    + (known ? ", share " + String.format(Locale.ROOT, "%.3f", share) : "") + " of " + piece.tree();
            marks.add(new Line(List.of(ends.get(i), new Point(ends.get(i).x(), y - LEVEL * 0.55), new Point(x, y)),
                    "branch", thickness, title));
        }
        return new Point(x, y);
    }

    private void connect(Piece piece, List<Mark> marks) {
        Point end = tree(piece, marks);
        marks.add(new Line(List.of(end, new Point(end.x(), bottom())), piece.isMerged() ? "branch" : "stem",
                piece.isMerged() ? THICKEST : 1, ""));
    }

    private void block(Piece piece, List<Mark> marks) {
        double x = left(piece.first()) + GAP;
        double width = left(piece.last() + 1) - GAP - x;
        String style = (piece.isMerged() ? "merged" : "kept") + (piece.isChanged() ? " changed" : "");
        marks.add(new Box(x, bottom(), width, CELL_HEIGHT, style, piece.describe()));
        String text = piece.isMerged() ? piece.tree().replace(" ", "") : "" + piece.first();
        if (text.length() * 6.2 < width + 4) {
            marks.add(new Words(x + width / 2, bottom() + 17, text,
                    piece.isMerged() ? "middle small inverse" : "middle small"));
        }
    }

    /** A layer that is not there any more. */
    static List<Mark> crossed(double x, double y, double width, double height, String title) {
        double inset = Math.min(width, height) * 0.22;
        return List.of(new Box(x, y, width, height, "removed", title),
                Line.straight(x + inset, y + inset, x + width - inset, y + height - inset, "cross"),
                Line.straight(x + inset, y + height - inset, x + width - inset, y + inset, "cross"));
    }

    private DataTable table() {
        List<List<Cell>> rows = new ArrayList<>();
        for (int position = 0; position < result.size(); position++) {
            Piece piece = result.get(position);
            rows.add(List.of(Cell.of(position, "" + position), Cell.of(piece.tree()),
                    Cell.of(piece.isMerged() ? "merged" : "kept"), Cell.of(inner(piece)), Cell.of(piece.change())));
        }
        for (int layer : removed()) {
            rows.add(List.of(Cell.of(""), Cell.of("" + layer), Cell.of("removed"), Cell.of(""), Cell.of("")));
        }
        return new DataTable(List.of("position", "original layers", "what became of them", "shares", "weights"), rows);
    }

    /** The shares of all its merges, the inner ones first. */
    private static String inner(Piece piece) {
        List<Piece> merges = piece.merges();
        return merges.size() == 1
                ? piece.shareText()
                : merges.stream().filter(merge -> !merge.shares().isEmpty())
                        .map(merge -> merge.tree() + ": " + merge.shareText()).collect(Collectors.joining("; "));
    }
}
