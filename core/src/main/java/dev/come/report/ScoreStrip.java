package dev.come.report;

import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Box;
import dev.come.report.Drawing.Mark;
import dev.come.report.Drawing.Words;
import dev.come.report.Report.Chart;
import dev.come.report.Report.LegendKey;
import dev.come.stack.LayerNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The scores that decided, step by step: a row for each step, a column for each original layer, the stronger the less the
 * score; what was chosen is framed.
 *
 * @param layers decoder layers of the dense model
 */
record ScoreStrip(int layers, List<StepScores> steps) {
    private static final double LEFT = 64;
    private static final double TOP = 22;
    private static final double ROW = 20;

    ScoreStrip {
        steps = List.copyOf(steps);
    }

    Chart chart() {
        String score = steps.getFirst().words();
        return new Chart("What decided each step",
                Figures.sentence(score)
                        + " by original layer. The stronger the colour, the less the score; the choice is"
                        + " framed. A window of layers stands at its first one.",
                drawing(score), List.of(LegendKey.box("heat", "least " + score), LegendKey.box("chosen", "chosen"),
                        LegendKey.box("unmeasured", "not measured, or not allowed")),
                table());
    }

    private double cell() {
        return Math.clamp(880.0 / layers, 22, 44);
    }

    private Drawing drawing(String score) {
        List<Mark> marks = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            marks.add(new Words(LEFT + (layer + 0.5) * cell(), 13, "" + layer, "middle small soft"));
        }
        for (int row = 0; row < steps.size(); row++) {
            marks.add(new Words(0, TOP + row * ROW + 13, "step " + steps.get(row).number(), "small soft"));
            row(steps.get(row), TOP + row * ROW, marks);
        }
        int width = (int) Math.ceil(LEFT + layers * cell() + 2);
        return new Drawing(width, (int) (TOP + steps.size() * ROW + 4), MergeMap.least(layers, width),
                "The " + score + " of each layer at each step", marks);
    }

    private void row(StepScores step, double y, List<Mark> marks) {
        double[] finite = step.byPosition().stream().mapToDouble(x -> x).filter(Double::isFinite).sorted().toArray();
        for (int position = 0; position < step.byPosition().size(); position++) {
            LayerNode node = step.before().get(position);
            double score = step.byPosition().get(position);
            boolean known = Double.isFinite(score);
            marks.add(box(node, node, y, known ? "heat" : "unmeasured", known ? strength(score, finite) : 1,
                    "step " + step.number() + ", " + node.tree() + ": "
                            + (known ? Figures.digits(score) : "not measured")));
        }
        int position = step.step().position();
        LayerNode last = step.before().get(position + step.step().count() - 1);
        marks.add(box(step.before().get(position), last, y, "chosen", 1,
                "step " + step.number() + ": " + step.step().describe(step.before())));
    }

    private Box box(LayerNode first, LayerNode last, double y, String style, double strength, String title) {
        double x = LEFT + first.originals().min().orElseThrow() * cell() + 1.5;
        double width = LEFT + (last.originals().max().orElseThrow() + 1) * cell() - 1.5 - x;
        return new Box(x, y + 1.5, width, ROW - 3, style, strength, title);
    }

    /** By rank, so that one large score does not make all others look alike. */
    private static double strength(double score, double[] sorted) {
        int rank = Arrays.binarySearch(sorted, score);
        double share = sorted.length < 2 ? 0 : (double) rank / (sorted.length - 1);
        return 0.08 + 0.92 * Math.pow(1 - share, 1.6);
    }

    private DataTable table() {
        List<String> head = new ArrayList<>(List.of("step", "what was done"));
        IntStream.range(0, layers).forEach(layer -> head.add("" + layer));
        List<List<Cell>> rows = new ArrayList<>();
        for (StepScores step : steps) {
            List<Cell> cells = new ArrayList<>(List.of(Cell.of(step.number(), "" + step.number()),
                    Cell.of(step.step().describe(step.before()))));
            IntStream.range(0, layers).forEach(_ -> cells.add(Cell.of("")));
            for (int position = 0; position < step.byPosition().size(); position++) {
                int layer = step.before().get(position).originals().min().orElseThrow();
                double score = step.byPosition().get(position);
                cells.set(2 + layer, Cell.of(score, Figures.digits(score)));
            }
            rows.add(cells);
        }
        return new DataTable(head, rows);
    }
}
