package dev.come.report;

import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Point;
import dev.come.report.Report.Chart;
import dev.come.report.Report.LegendKey;
import dev.come.report.Stage.Measured;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Perplexity against the number of layers, before and after healing.
 *
 * @param metric what was measured, in words
 * @param points of all stages
 */
record QualityChart(String metric, List<Measured> points) {
    QualityChart {
        points = points.stream().distinct()
                .sorted(Comparator.comparingInt(Measured::layers).reversed().thenComparing(Measured::stage)).toList();
    }

    Chart chart() {
        Plot plot = Plot.of("layers", points.stream().mapToDouble(Measured::layers), "perplexity",
                points.stream().mapToDouble(Measured::value), false);
        List<Point> pruned = points.stream()
                .filter(point -> point.stage() == Stage.DENSE || point.stage() == Stage.PRUNED)
                .map(point -> new Point(point.layers(), point.value())).toList();
        plot.line(pruned, "pruned dashed");
        for (Measured point : points) {
            points.stream().filter(other -> other.layers() == point.layers() && point.stage() == Stage.PRUNED
                    && other.stage().compareTo(Stage.PRUNED) > 0)
                    .forEach(other -> plot.line(List.of(new Point(point.layers(), point.value()),
                            new Point(other.layers(), other.value())), other.stage().word()));
        }
        for (Measured point : points) {
            plot.dot(point.layers(), point.value(), point.stage().shape(), point.stage().word(), point.stage().word()
                    + ", " + point.layers() + " layers: perplexity " + Figures.decimals(point.value()) + point.error());
        }
        List<LegendKey> keys = Stream.of(Stage.values())
                .filter(stage -> points.stream().anyMatch(point -> point.stage() == stage))
                .map(stage -> LegendKey.dot(stage.shape(), stage.word(), stage.word())).toList();
        return new Chart("Perplexity against layers", metric + ". Less is better.",
                plot.drawing("Perplexity against the number of layers"), keys,
                new DataTable(List.of("model", "layers", "perplexity", "error of its logarithm"), points.stream()
                        .map(point -> List.of(Cell.of(point.stage().word()),
                                Cell.of(point.layers(), "" + point.layers()),
                                Cell.of(point.value(), Figures.decimals(point.value()) + point.error()),
                                point.logError().isPresent()
                                        ? Cell.of(point.logError().getAsDouble(),
                                                Figures.digits(point.logError().getAsDouble()))
                                        : Cell.of("")))
                        .toList()));
    }
}
