package dev.come.report;

import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Point;
import dev.come.report.Drawing.Shape;
import dev.come.report.Report.Chart;
import dev.come.report.Report.LegendKey;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import tools.jackson.databind.JsonNode;

/**
 * Training and validation loss against tokens.
 *
 * @param heading what was trained
 * @param curve as come.json has it ({@code dev.come.distill.Curve})
 */
record TrainingCurve(String heading, JsonNode curve) {
    private record Row(int step, double tokens, OptionalDouble training, OptionalDouble validation) {}

    Chart chart() {
        List<Row> rows = curve.path("points").valueStream()
                .map(point -> new Row(point.path("step").asInt(0), point.path("tokens").asDouble(0),
                        RunRecord.number(point.path("training_loss")), RunRecord.number(point.path("validation_loss"))))
                .toList();
        Plot plot = Plot.of("tokens", rows.stream().mapToDouble(Row::tokens), "loss", rows.stream()
                .flatMapToDouble(row -> DoubleStream.concat(row.training.stream(), row.validation.stream())), false);
        int best = curve.path("best_step").asInt(0);
        plot.line(points(rows, true), "pruned dashed");
        plot.line(points(rows, false), "distilled");
        for (Row row : rows) {
            row.training.ifPresent(loss -> plot.dot(row.tokens, loss, Shape.CIRCLE, "open pruned",
                    "step " + row.step + ", training: " + Figures.digits(loss)));
            row.validation.ifPresent(loss -> plot.dot(row.tokens, loss, Shape.TRIANGLE, "distilled",
                    "step " + row.step + ", validation: " + Figures.digits(loss)
                            + (row.step == best ? ", the weights that were kept" : "")));
        }
        List<List<Cell>> cells = new ArrayList<>();
        for (Row row : rows) {
            cells.add(List.of(Cell.of(row.step, "" + row.step), Cell.of(row.tokens, Figures.whole((long) row.tokens)),
                    digits(row.training), digits(row.validation).marked(row.step == best)));
        }
        String stopped = curve.path("stopped").asString("");
        return new Chart(heading, "Loss while training"
                + (stopped.isEmpty() ? "." : ". Given up early: " + stopped + "."),
                plot.drawing("Training and validation loss against tokens: " + heading),
                List.of(LegendKey.dot(Shape.CIRCLE, "open pruned", "training"),
                        LegendKey.dot(Shape.TRIANGLE, "distilled", "validation")),
                new DataTable(List.of("step", "tokens", "training loss", "validation loss"), cells));
    }

    private static List<Point> points(List<Row> rows, boolean training) {
        return rows.stream().filter(row -> (training ? row.training : row.validation).isPresent())
                .map(row -> new Point(row.tokens, (training ? row.training : row.validation).getAsDouble())).toList();
    }

    private static Cell digits(OptionalDouble value) {
        return value.isPresent() ? Cell.of(value.getAsDouble(), Figures.digits(value.getAsDouble())) : Cell.of("");
    }
}
