package dev.come.report;

import dev.come.prune.PruningStep;
import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Shape;
import dev.come.report.Report.Chart;
import dev.come.report.Report.LegendKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** How far each refitted layer is from the dense model, before and after, on text that no fit has seen. */
record HealingErrors(PruningStep step, List<Double> before, List<Double> after) {
    /** Those of a step that healed; none if it did something else. */
    static Optional<HealingErrors> of(PruningStep step) {
        List<Double> before = step.scores().get("held_out_error_before");
        List<Double> after = step.scores().get("held_out_error_after");
        return before == null || after == null
                ? Optional.empty()
                : Optional.of(new HealingErrors(step, before, after));
    }

    /** The losses on that text: dense, before, after; empty if they are not known. */
    List<Double> losses() {
        return step.scores().getOrDefault("held_out_loss_dense_before_after", List.of());
    }

    Chart chart() {
        List<Integer> refitted = Stream.iterate(0, position -> position < before.size(), position -> position + 1)
                .filter(position -> Double.isFinite(before.get(position))).toList();
        Plot plot = Plot.of("position of the layer", refitted.stream().mapToDouble(position -> position),
                "error after the layer",
                refitted.stream().flatMapToDouble(position -> Stream.of(before.get(position), after.get(position))
                        .mapToDouble(error -> error)),
                true);
        List<List<Cell>> rows = new ArrayList<>();
        for (int position : refitted) {
            String layer = "position " + position + ", layer " + step.stack().get(position).tree();
            plot.line(List.of(new Drawing.Point(position, before.get(position)),
                    new Drawing.Point(position, after.get(position))), "grid");
            plot.dot(position, before.get(position), Shape.CIRCLE, "open pruned",
                    layer + ", before: " + Figures.digits(before.get(position)));
            plot.dot(position, after.get(position), Shape.DIAMOND, "healed",
                    layer + ", after: " + Figures.digits(after.get(position)));
            rows.add(List.of(Cell.of(position, "" + position), Cell.of(step.stack().get(position).tree()),
                    Cell.of(before.get(position), Figures.digits(before.get(position))),
                    Cell.of(after.get(position), Figures.digits(after.get(position)))));
        }
        return new Chart("Refitted in closed form",
                "How far the state after each layer is from the dense model's, relative to its size, on text that was"
                        + " held out.",
                plot.drawing("Error of each layer before and after healing"),
                List.of(LegendKey.dot(Shape.CIRCLE, "open pruned", "before"),
                        LegendKey.dot(Shape.DIAMOND, "healed", "after")),
                new DataTable(List.of("position", "layer", "error before", "error after"), rows));
    }
}
