package dev.come.report;

import dev.come.report.Drawing.Line;
import dev.come.report.Drawing.Mark;
import dev.come.report.Drawing.Point;
import dev.come.report.Drawing.Words;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/** Two axes with grid and labels; charts add their marks. */
record Plot(Scale x, Scale y, String xName, String yName, int width, int height, List<Mark> marks) {
    private static final double LEFT = 54;
    private static final double RIGHT = 12;
    private static final double TOP = 26;
    private static final double BOTTOM = 42;

    /**
     * Axes around some points.
     *
     * @param fromZero whether upward numbers begin at 0
     */
    static Plot of(String xName, DoubleStream xs, String yName, DoubleStream ys, boolean fromZero) {
        return sized(480, 280, xName, xs, yName, ys, fromZero);
    }

    /** The same over the whole width of the page. */
    static Plot wide(String xName, DoubleStream xs, String yName, DoubleStream ys, boolean fromZero) {
        return sized(780, 360, xName, xs, yName, ys, fromZero);
    }

    private static Plot sized(int width, int height, String xName, DoubleStream xs, String yName, DoubleStream ys,
            boolean fromZero) {
        Scale x = Scale.around(xs, LEFT, width - RIGHT);
        Scale y = fromZero
                ? Scale.fromZero(ys, height - BOTTOM, TOP)
                : Scale.around(ys, height - BOTTOM, TOP);
        return new Plot(x, y, xName, yName, width, height, new ArrayList<>()).withAxes();
    }

    private Plot withAxes() {
        for (double tick : y.ticks(5)) {
            marks.add(Line.straight(LEFT, y.at(tick), width - RIGHT, y.at(tick), "grid"));
            marks.add(new Words(LEFT - 7, y.at(tick) + 4, Scale.tick(tick), "end small soft"));
        }
        for (double tick : x.ticks(7).stream().filter(tick -> !counts(xName) || tick == Math.rint(tick)).toList()) {
            marks.add(Line.straight(x.at(tick), height - BOTTOM, x.at(tick), height - BOTTOM + 4, "axis"));
            marks.add(new Words(x.at(tick), height - BOTTOM + 17, Scale.tick(tick), "middle small soft"));
        }
        marks.add(Line.straight(LEFT, height - BOTTOM, width - RIGHT, height - BOTTOM, "axis"));
        marks.add(new Words((LEFT + width - RIGHT) / 2, height - 6, xName + (x.logarithmic() ? ", log scale" : ""),
                "middle small soft"));
        marks.add(new Words(0, 12, yName + (y.logarithmic() ? ", log scale" : ""), "small soft"));
        return this;
    }

    /** Whether between whole numbers there is nothing. */
    private static boolean counts(String name) {
        return List.of("layers", "step", "position of the layer").contains(name);
    }

    /** A line through points of the data. */
    void line(List<Point> points, String style) {
        marks.add(new Line(points.stream().map(this::at).toList(), style, 2, ""));
    }

    /** A dot at a point of the data. */
    void dot(double xValue, double yValue, Drawing.Shape shape, String style, String title) {
        marks.add(new Drawing.Dot(x.at(xValue), y.at(yValue), shape, style, title));
    }

    Point at(Point data) {
        return new Point(x.at(data.x()), y.at(data.y()));
    }

    Drawing drawing(String label) {
        return new Drawing(width, height, width / 2 + 60, label, marks);
    }
}
