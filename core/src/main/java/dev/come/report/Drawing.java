package dev.come.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A picture in SVG. Colours come from the style of the page by the names in {@code style}, so that it is light or dark as the
 * reader has it.
 *
 * @param width in pixels at its natural size; it is shown smaller or larger as there is room
 * @param least how narrow it may become before the reader has to scroll sideways, in pixels
 * @param label what it shows, for a screen reader
 * @param marks in the order in which they are painted
 */
public record Drawing(int width, int height, int least, String label, List<Mark> marks) {
    public Drawing {
        marks = List.copyOf(marks);
    }

    /** How large it is shown, for the attribute {@code style}. */
    public String sizes() {
        return "min-width:" + least + "px;max-width:" + width * 5 / 4 + "px";
    }

    /** Something painted. */
    public sealed interface Mark {
        /** Names of styles of the page, apart by blanks. */
        String style();

        /** What it tells, shown when the reader points at it; empty for axes and labels. */
        String title();
    }

    /**
     * A rectangle.
     *
     * @param strength how strong its colour is, from 0 to 1
     */
    public record Box(double x, double y, double width, double height, String style, double strength,
            String title) implements Mark {
        public Box(double x, double y, double width, double height, String style, String title) {
            this(x, y, width, height, style, 1, title);
        }

        /** For the attribute {@code fill-opacity}; nothing where it is whole. */
        public @Nullable String opacity() {
            return strength < 1 ? String.format(Locale.ROOT, "%.2f", strength) : null;
        }
    }

    /** A line through points. */
    public record Line(List<Point> points, String style, double thickness, String title) implements Mark {
        public Line {
            points = List.copyOf(points);
        }

        /** A straight one of usual thickness that tells nothing. */
        static Line straight(double x1, double y1, double x2, double y2, String style) {
            return new Line(List.of(new Point(x1, y1), new Point(x2, y2)), style, 1, "");
        }

        /** For the attribute {@code points}. */
        public String path() {
            return points.stream().map(point -> number(point.x) + "," + number(point.y))
                    .collect(Collectors.joining(" "));
        }
    }

    /** A place in the picture, from its upper left corner. */
    public record Point(double x, double y) {}

    /** A mark at a point; shapes differ, so that colour is not needed to tell them apart. */
    public record Dot(double x, double y, Shape shape, String style, String title) implements Mark {
        private static final double RADIUS = 5;

        /** For the attribute {@code d}. */
        public String path() {
            return switch (shape) {
                case CIRCLE -> "M%s,%sa%3$s,%3$s 0 1,0 %4$s,0a%3$s,%3$s 0 1,0 -%4$s,0z".formatted(number(x - RADIUS),
                        number(y), number(RADIUS), number(2 * RADIUS));
                case SQUARE -> polygon(-1, -1, 1, -1, 1, 1, -1, 1);
                case DIAMOND -> polygon(0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0);
                case TRIANGLE -> polygon(0, -1.2, 1.15, 0.9, -1.15, 0.9);
            };
        }

        private String polygon(double... corners) {
            StringBuilder path = new StringBuilder("M");
            for (int i = 0; i < corners.length; i += 2) {
                path.append(i == 0 ? "" : "L").append(number(x + RADIUS * corners[i])).append(',')
                        .append(number(y + RADIUS * corners[i + 1]));
            }
            return path.append('z').toString();
        }
    }

    /** What a dot looks like. */
    public enum Shape {
        CIRCLE, SQUARE, DIAMOND, TRIANGLE
    }

    /** Words. */
    public record Words(double x, double y, String text, String style) implements Mark {
        @Override
        public String title() {
            return "";
        }
    }

    /** A coordinate, short. */
    public static String number(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}
