package dev.come.report;

import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Dot;
import dev.come.report.Drawing.Line;
import dev.come.report.Drawing.Mark;
import dev.come.report.Drawing.Point;
import dev.come.report.Drawing.Shape;
import dev.come.report.Drawing.Words;
import dev.come.report.EvalFile.Task;
import dev.come.report.Report.Chart;
import dev.come.report.Report.LegendKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/** Accuracies with bars of 95 %, the baseline beside the model. */
record TaskDots(EvalFile file) {
    /** So many standard errors to each side hold 95 % of a normal distribution. */
    static final double NORMAL_95 = 1.96;

    private static final double LEFT = 170;
    private static final double RIGHT = 610;
    private static final double TOP = 14;
    private static final double ROW = 36;

    /** The accuracies; other numbers have tables only. */
    List<Task> shown() {
        return file.model().tasks().stream().filter(task -> task.metric().startsWith("acc")).toList();
    }

    Chart chart() {
        List<LegendKey> keys = new ArrayList<>(List.of(LegendKey.dot(Shape.CIRCLE, "first", file.model().name())));
        file.baseline().ifPresent(other -> keys.add(LegendKey.dot(Shape.SQUARE, "open dense", other.name())));
        return new Chart("", "Accuracy with its 95 % interval"
                + (file.baseline().isPresent()
                        ? ". The difference is taken question by question, so it can be surer than the two bars suggest."
                        : "."),
                drawing(), keys, table());
    }

    private Drawing drawing() {
        List<Task> tasks = shown();
        Scale x = scale(tasks);
        List<Mark> marks = new ArrayList<>();
        double bottom = TOP + tasks.size() * ROW;
        for (double tick : x.ticks(6)) {
            marks.add(Line.straight(x.at(tick), TOP, x.at(tick), bottom, "grid"));
            marks.add(new Words(x.at(tick), bottom + 16, String.format(Locale.ROOT, "%.0f %%", 100 * tick),
                    "middle small soft"));
        }
        for (int row = 0; row < tasks.size(); row++) {
            Task task = tasks.get(row);
            double y = TOP + (row + 0.5) * ROW;
            marks.add(new Words(0, y + 4, name(task), "label"));
            baseline(task)
                    .ifPresent(other -> interval(other, x, y + 6, Shape.SQUARE, "open dense", baselineName(), marks));
            interval(task, x, file.baseline().isPresent() ? y - 6 : y, Shape.CIRCLE, "first", file.model().name(),
                    marks);
            difference(task).ifPresent(text -> marks.add(new Words(RIGHT + 16, y + 4, text, "small")));
        }
        return new Drawing(file.baseline().isPresent() ? 860 : 640, (int) bottom + 24, 560,
                "Accuracies of tasks with 95 % intervals", marks);
    }

    private Scale scale(List<Task> tasks) {
        double least = 1;
        double most = 0;
        for (Task task : tasks) {
            for (Task one : baseline(task).map(other -> List.of(task, other)).orElse(List.of(task))) {
                double half = NORMAL_95 * one.error().orElse(0);
                least = Math.min(least, one.value() - half);
                most = Math.max(most, one.value() + half);
            }
        }
        return new Scale(Math.max(0, least - 0.03), Math.min(1, most + 0.03), LEFT, RIGHT, false);
    }

    private String baselineName() {
        return file.baseline().map(EvalFile.Model::name).orElse("");
    }

    /** The task, and its metric where that is not the accuracy. */
    static String name(Task task) {
        return task.metric().equals("acc") ? task.name() : task.name() + " (" + task.metric() + ")";
    }

    private Optional<Task> baseline(Task task) {
        return file.baseline().flatMap(other -> other.task(task.name(), task.metric()));
    }

    private static void interval(Task task, Scale x, double y, Shape shape, String style, String model,
            List<Mark> marks) {
        double half = NORMAL_95 * task.error().orElse(0);
        double left = Math.max(x.from(), x.at(task.value() - half));
        double right = Math.min(x.to(), x.at(task.value() + half));
        String title = model + ", " + name(task) + ": " + Figures.share(task.value())
                + task.error().stream().mapToObj(error -> ", standard error " + Figures.share(error)).findFirst()
                        .orElse("");
        marks.add(new Line(List.of(new Point(left, y), new Point(right, y)), style.replace("open ", ""), 2, title));
        marks.add(new Dot(x.at(task.value()), y, shape, style, title));
    }

    /** The difference to the baseline in words; none without one. */
    Optional<String> difference(Task task) {
        Optional<Task> other = baseline(task);
        if (other.isEmpty()) {
            return Optional.empty();
        }
        double difference = task.value() - other.get().value();
        OptionalDouble error = task.differenceError();
        String points = String.format(Locale.ROOT, "%+.1f", 100 * difference);
        if (error.isEmpty()) {
            return Optional.of(points + " points");
        }
        String within = Math.abs(difference) <= NORMAL_95 * error.getAsDouble() ? ", within the error" : "";
        return Optional.of(points + String.format(Locale.ROOT, " ± %.1f points", 100 * error.getAsDouble()) + within);
    }

    private DataTable table() {
        boolean beside = file.baseline().isPresent();
        List<String> head = new ArrayList<>(List.of("task", "metric", "questions", file.model().name(), "error"));
        if (beside) {
            head.addAll(List.of(baselineName(), "error", "difference", "error", ""));
        }
        List<List<Cell>> rows = new ArrayList<>();
        for (Task task : file.model().tasks()) {
            List<Cell> cells = new ArrayList<>(List.of(Cell.of(task.name()), Cell.of(task.metric()),
                    Cell.of(task.documents(), "" + task.documents()),
                    Cell.of(task.value(), Figures.digits(task.value())),
                    digits(task.error())));
            if (beside) {
                Optional<Task> other = baseline(task);
                cells.add(digits(other.map(one -> OptionalDouble.of(one.value())).orElse(OptionalDouble.empty())));
                cells.add(digits(other.map(Task::error).orElse(OptionalDouble.empty())));
                cells.add(digits(task.difference()));
                cells.add(digits(task.differenceError()));
                cells.add(Cell.of(task.metric().startsWith("acc") && difference(task).orElse("").endsWith("error")
                        ? "within the error"
                        : ""));
            }
            rows.add(cells);
        }
        return new DataTable(head, rows);
    }

    private static Cell digits(OptionalDouble value) {
        return value.isPresent() ? Cell.of(value.getAsDouble(), Figures.digits(value.getAsDouble())) : Cell.of("");
    }
}
