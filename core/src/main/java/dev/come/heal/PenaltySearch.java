package dev.come.heal;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * Looks for the penalty of a path whose error is least, where each that is tried costs much. It goes by Newton's method along the
 * logarithm of the penalty, between one that was too small and one that was too large. A good start is often tried alone.
 */
final class PenaltySearch {
    /** So many steps go by Newton's method; what is left of the path is then halved each time. */
    private static final int STEPS = 3;
    private static final int LONGEST = 8;

    private final int size;
    private final double width;
    private final IntFunction<Optional<Course>> courses;
    private final Map<Integer, Optional<Course>> known = new HashMap<>();
    /** The greatest penalty behind which the error falls. */
    private int low = -1;
    /** The smallest penalty behind which the error rises. */
    private int high;

    /**
     * How the error goes at a penalty.
     *
     * @param error whatever is to be least
     * @param slope its derivative by the natural logarithm of the penalty
     * @param curvature its second derivative
     */
    record Course(double error, double slope, double curvature) {}

    /**
     * Makes one.
     *
     * @param size the number of penalties
     * @param width the natural logarithm of the ratio of two neighbours
     * @param courses what is known of a penalty by its number; nothing where it is too small to solve
     */
    PenaltySearch(int size, double width, IntFunction<Optional<Course>> courses) {
        this.size = size;
        this.width = width;
        this.courses = courses;
        this.high = size;
    }

    /**
     * The number of the best penalty.
     *
     * @param start where to begin
     */
    int best(int start) {
        int at = start;
        while (true) {
            int step = step(at);
            if (step == 0) {
                return at;
            }
            if (high - low == 1) {
                return better();
            }
            int next = known.size() < STEPS ? at + step : (low + high) / 2;
            at = Math.clamp(next, low + 1, high - 1);
        }
    }

    /** How many penalties further the least error should be; none if it is nearest to this one. */
    private int step(int at) {
        Optional<Course> tried = courses.apply(at);
        known.put(at, tried);
        double slope = tried.map(Course::slope).orElse(Double.NEGATIVE_INFINITY);
        if (slope > 0) {
            high = at;
        } else {
            low = at;
        }
        double curvature = tried.map(Course::curvature).orElse(0.0);
        int longest = slope > 0 ? -LONGEST : LONGEST;
        return curvature > 0
                ? Math.clamp(Math.round(-slope / curvature / width), -LONGEST, LONGEST)
                : longest;
    }

    /** The better one of two neighbours, of equal ones the greater; beyond the path there is none. */
    private int better() {
        return high < size && (low < 0 || error(high) <= error(low)) ? high : low;
    }

    private double error(int penalty) {
        return known.getOrDefault(penalty, Optional.empty()).map(Course::error).orElse(Double.POSITIVE_INFINITY);
    }
}
