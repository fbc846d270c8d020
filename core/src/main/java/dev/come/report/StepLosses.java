package dev.come.report;

import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Point;
import dev.come.report.Drawing.Shape;
import dev.come.report.Report.Chart;
import dev.come.report.Report.LegendKey;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/** The loss that each step leaves, and that of the choice it was preferred to. */
record StepLosses(List<StepScores> steps) {
    StepLosses {
        steps = steps.stream().filter(step -> step.bestLosses().getFirst().isPresent()).toList();
    }

    boolean isEmpty() {
        return steps.isEmpty();
    }

    Chart chart() {
        Plot plot = Plot.of("step", steps.stream().mapToDouble(StepScores::number), "loss, nats for each token",
                steps.stream().flatMapToDouble(step -> step.bestLosses().stream()
                        .flatMapToDouble(
                                loss -> loss.isPresent() ? DoubleStream.of(loss.getAsDouble()) : DoubleStream.empty())),
                false);
        List<Point> best = new ArrayList<>();
        List<List<Cell>> rows = new ArrayList<>();
        for (StepScores step : steps) {
            double least = step.bestLosses().getFirst().getAsDouble();
            best.add(new Point(step.number(), least));
            String what = step.step().describe(step.before());
            step.bestLosses().getLast().ifPresent(second -> plot.dot(step.number(), second, Shape.SQUARE, "open first",
                    "step " + step.number() + ", second best: " + Figures.decimals(second)));
            plot.dot(step.number(), least, Shape.CIRCLE, "first",
                    "step " + step.number() + ", " + what + ": " + Figures.decimals(least));
            rows.add(List.of(Cell.of(step.number(), "" + step.number()), Cell.of(what), Cell.of(least),
                    Cell.of(step.bestLosses().getLast())));
        }
        plot.line(best, "first");
        return new Chart("Loss of each step", "On the calibration text: the choice, and the one that came next.",
                plot.drawing("Loss of the best and the second best choice of each step"),
                List.of(LegendKey.dot(Shape.CIRCLE, "first", "best"),
                        LegendKey.dot(Shape.SQUARE, "open first", "second best")),
                new DataTable(List.of("step", "what was done", "best", "second best"), rows));
    }
}
