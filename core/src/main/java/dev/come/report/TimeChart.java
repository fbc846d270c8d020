package dev.come.report;

import dev.come.ByteSize;
import dev.come.report.Comparison.Row;
import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Shape;
import dev.come.report.Drawing.Words;
import dev.come.report.Report.Chart;
import dev.come.report.Report.LegendKey;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/** What several methods made of a model: the time each took against the perplexity it left, and all numbers in a table. */
record TimeChart(Comparison comparison) {
    /** Half of what a dot takes. */
    private static final double DOT = 6;

    /** The methods that got there. */
    List<Row> done() {
        return comparison.rows().stream().filter(row -> row.failure().isEmpty()).toList();
    }

    /** The chart for a perplexity. */
    Chart chart(String metric) {
        List<Row> rows = done().stream().filter(row -> row.perplexities().containsKey(metric)).toList();
        double least = 0.1;
        DoubleStream seconds = rows.stream().mapToDouble(row -> Math.max(least, seconds(row)));
        double dense = comparison.densePerplexities().getOrDefault(metric, Double.NaN);
        Plot plot = Plot.wide("seconds to choose the layers", seconds, "perplexity", DoubleStream
                .concat(DoubleStream.of(dense), rows.stream().mapToDouble(row -> perplexity(row, metric))), false);
        if (Double.isFinite(dense)) {
            plot.line(List.of(new Drawing.Point(plot.x().least(), dense), new Drawing.Point(plot.x().most(), dense)),
                    "dense dashed");
        }
        List<double[]> taken = new ArrayList<>();
        for (Row row : rows) {
            double x = Math.max(least, seconds(row));
            plot.dot(x, perplexity(row, metric), Shape.CIRCLE, "first",
                    row.method() + ": " + Figures.time(row.choosing()) + ", perplexity "
                            + Figures.decimals(perplexity(row, metric)));
            Drawing.Point at = plot.at(new Drawing.Point(x, perplexity(row, metric)));
            taken.add(new double[]{at.x() - DOT, at.y() - DOT, at.x() + DOT, at.y() + DOT});
        }
        rows.forEach(row -> name(row.method(),
                plot.at(new Drawing.Point(Math.max(least, seconds(row)), perplexity(row, metric))), taken, plot));
        return new Chart("Time against perplexity", metric
                + ". Down and to the left is better; the dashed line is the dense model.",
                plot.drawing("Time to choose the layers against perplexity"),
                List.of(LegendKey.dot(Shape.CIRCLE, "first", "a method")),
                new DataTable(List.of("method", "seconds", "perplexity"), rows.stream()
                        .map(row -> List.of(Cell.of(row.method()), Cell.of(seconds(row), Figures.time(row.choosing())),
                                Cell.of(perplexity(row, metric))))
                        .toList()));
    }

    /** Writes a name beside its dot where nothing else stands; where there is no room, the table and the title tell it. */
    private static void name(String name, Drawing.Point dot, List<double[]> taken, Plot plot) {
        double width = 6.4 * name.length();
        for (double[] place : new double[][]{{9, 4}, {-9 - width, 4}, {-width / 2, -10}, {-width / 2, 18}, {9, -7},
            {9, 15},
            {-9 - width, -7}, {-9 - width, 15}}) {
            double x = dot.x() + place[0];
            double y = dot.y() + place[1];
            double[] box = {x, y - 9, x + width, y + 2};
            boolean free = x > 0 && box[2] < plot.width() && taken.stream().noneMatch(
                    other -> box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]);
            if (free) {
                taken.add(box);
                plot.marks().add(new Words(x, y, name, "small"));
                return;
            }
        }
    }

    private static double seconds(Row row) {
        return row.choosing().toMillis() / 1000.0;
    }

    private static double perplexity(Row row, String metric) {
        return row.perplexities().getOrDefault(metric, Double.NaN);
    }

    /** All methods with the dense model first; the best of each column is marked. */
    DataTable table() {
        List<String> metrics = List.copyOf(comparison.densePerplexities().keySet());
        List<String> head = new ArrayList<>(List.of("method", "layers"));
        if (comparison.denseLoss().isPresent()) {
            head.add("loss");
        }
        for (int i = 0; i < metrics.size(); i++) {
            head.add(metrics.size() == 1 ? "perplexity" : "perplexity " + (i + 1));
        }
        head.addAll(List.of("time", "memory"));
        List<List<Cell>> rows = new ArrayList<>();
        List<Cell> dense = new ArrayList<>(
                List.of(Cell.of("dense"), Cell.of(comparison.layers(), "" + comparison.layers())));
        if (comparison.denseLoss().isPresent()) {
            dense.add(Cell.of(comparison.denseLoss()));
        }
        comparison.densePerplexities().values().forEach(value -> dense.add(Cell.of(value)));
        dense.addAll(List.of(Cell.of(""), Cell.of("")));
        rows.add(dense);
        for (Row row : done()) {
            List<Cell> cells = new ArrayList<>(
                    List.of(Cell.of(row.method()), Cell.of(row.layersLeft(), "" + row.layersLeft())));
            if (comparison.denseLoss().isPresent()) {
                cells.add(Cell.of(row.loss()).marked(isLeast(row.loss().orElse(Double.NaN),
                        done().stream().mapToDouble(other -> other.loss().orElse(Double.NaN)))));
            }
            metrics.forEach(metric -> cells.add(row.perplexities().containsKey(metric)
                    ? Cell.of(perplexity(row, metric)).marked(isLeast(perplexity(row, metric),
                            done().stream().mapToDouble(other -> perplexity(other, metric))))
                    : Cell.of("")));
            cells.add(
                    row.choosing().isZero() ? Cell.of("before") : Cell.of(seconds(row), Figures.time(row.choosing())));
            cells.add(row.peakBytes().isPresent()
                    ? Cell.of((double) row.peakBytes().getAsLong(), ByteSize.format(row.peakBytes().getAsLong()))
                    : Cell.of(""));
            rows.add(cells);
        }
        return new DataTable(head, rows, true);
    }

    private static boolean isLeast(double value, DoubleStream all) {
        return all.filter(Double::isFinite).min().orElse(Double.NaN) == value;
    }
}
