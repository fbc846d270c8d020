package dev.come.report;

import dev.come.ByteSize;
import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Box;
import dev.come.report.Drawing.Line;
import dev.come.report.Drawing.Mark;
import dev.come.report.Drawing.Point;
import dev.come.report.Drawing.Words;
import dev.come.report.LatencyFile.Range;
import dev.come.report.LatencyFile.Timed;
import dev.come.report.Report.Chart;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** Tokens in a second of each model, from the slowest run to the fastest. */
record SpeedBars(LatencyFile file) {
    private static final double LEFT = 190;
    private static final double RIGHT = 620;
    private static final double ROW = 30;

    private boolean generates() {
        return file.newTokens() > 1 && file.models().stream().noneMatch(model -> model.generation().isEmpty());
    }

    /** How many times as fast the last model is as the first; the model alone is 1. */
    Range speedUp(boolean generation) {
        Timed first = file.models().getFirst();
        Timed last = file.models().getLast();
        return generation
                ? Range.ofRatios(first.generation(), last.generation())
                : Range.ofRatios(first.prompt(), last.prompt());
    }

    /** A speed-up with its range, in words. */
    static String times(Range range) {
        return String.format(Locale.ROOT, "%.2f× (%.2f to %.2f)", range.median(), range.least(), range.most());
    }

    private String load(boolean generation) {
        return generation
                ? file.batch() + " × " + file.newTokens() + " new tokens after " + file.promptTokens()
                : "prompts of " + file.batch() + " × " + file.promptTokens() + " tokens";
    }

    /** A chart for prompts, and one for new tokens where they were timed. */
    List<Chart> charts() {
        return generates() ? List.of(chart(false), chart(true)) : List.of(chart(false));
    }

    private Chart chart(boolean generation) {
        String lead = Figures.sentence(load(generation)) + ", " + file.dtype() + " on " + file.device()
                + ". The line goes"
                + " from the slowest run to the fastest."
                + (file.models().size() > 1
                        ? " Speed-up " + times(speedUp(generation)) + ", median (least to most)."
                        : "");
        return new Chart(generation ? "New tokens" : "Prompts", lead, drawing(generation), List.of(),
                table(generation));
    }

    private List<Double> rates(Timed model, boolean generation) {
        double tokens = (double) file.batch() * (generation ? file.newTokens() - 1 : file.promptTokens());
        return (generation ? model.generation() : model.prompt()).stream().map(seconds -> tokens / seconds).toList();
    }

    private Drawing drawing(boolean generation) {
        Scale x = Scale.fromZero(file.models().stream().flatMap(model -> rates(model, generation).stream())
                .mapToDouble(rate -> rate), LEFT, RIGHT);
        List<Mark> marks = new ArrayList<>();
        double bottom = 6 + file.models().size() * ROW;
        for (double tick : x.ticks(5)) {
            marks.add(Line.straight(x.at(tick), 6, x.at(tick), bottom, "grid"));
            marks.add(new Words(x.at(tick), bottom + 16, Scale.tick(tick), "middle small soft"));
        }
        marks.add(new Words(RIGHT, bottom + 32, "tokens a second", "end small soft"));
        for (int row = 0; row < file.models().size(); row++) {
            Timed model = file.models().get(row);
            List<Double> rates = rates(model, generation);
            double median = Range.of(rates).median();
            double y = 6 + row * ROW;
            String title = model.name() + ": " + Figures.whole(Math.round(median)) + " tokens a second";
            marks.add(new Words(0, y + 19, model.name(), "label"));
            boolean first = file.models().size() > 1 && row == 0;
            marks.add(new Box(LEFT, y + 5, x.at(median) - LEFT, ROW - 10, first ? "dense" : "first", 0.75, title));
            Range range = Range.of(rates);
            marks.add(new Line(List.of(new Point(x.at(range.least()), y + ROW / 2),
                    new Point(x.at(range.most()), y + ROW / 2)), "axis", 2, title));
        }
        return new Drawing(640, (int) bottom + 38, 420, "Tokens a second of " + file.models().size() + " models",
                marks);
    }

    private DataTable table(boolean generation) {
        int runs = file.models().stream().mapToInt(model -> model.prompt().size()).max().orElse(0);
        List<String> head = new ArrayList<>(List.of("model", "layers", "parameters", "weights", "key-value cache",
                "tokens a second"));
        IntStream.rangeClosed(1, runs).forEach(run -> head.add("run " + run + ", seconds"));
        List<List<Cell>> rows = new ArrayList<>();
        for (Timed model : file.models()) {
            double median = Range.of(rates(model, generation)).median();
            List<Cell> cells = new ArrayList<>(
                    List.of(Cell.of(model.name()), Cell.of(model.layers(), "" + model.layers()),
                            Cell.of((double) model.parameters(), Figures.whole(model.parameters())),
                            Cell.of((double) model.weightBytes(), ByteSize.format(model.weightBytes())),
                            Cell.of((double) model.cacheBytes(), ByteSize.format(model.cacheBytes())),
                            Cell.of(median, Figures.whole(Math.round(median)))));
            List<Double> seconds = generation ? model.generation() : model.prompt();
            for (int run = 0; run < runs; run++) {
                cells.add(run < seconds.size()
                        ? Cell.of(seconds.get(run), Figures.digits(seconds.get(run)))
                        : Cell.of(""));
            }
            rows.add(cells);
        }
        return new DataTable(head, rows);
    }
}
