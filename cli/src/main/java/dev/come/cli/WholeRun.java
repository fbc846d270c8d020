package dev.come.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;

/** How far a whole run is and how long it will take yet, from the steps of its tasks. For use from several threads. */
final class WholeRun {
    /** Before this share is done nobody can tell how long the rest takes. */
    private static final double ENOUGH = 0.005;
    private static final Duration LONG_ENOUGH = Duration.ofSeconds(1);

    private final InstantSource clock;
    private Instant begun;
    private double done;
    private double total;

    WholeRun(InstantSource clock) {
        this.clock = clock;
        this.begun = clock.instant();
    }

    /** Says how many steps are still to come. */
    synchronized void expect(double steps) {
        if (total == 0) {
            begun = clock.instant();
            done = 0;
        }
        total = done + steps;
    }

    synchronized void advance(long steps) {
        done += steps;
    }

    /** For example {@code 23 % of the run, about 1 min 20 s left}; empty where nobody said how much there is to do. */
    synchronized String text() {
        return total <= 0 ? "" : text(done / total, " of the run", Duration.between(begun, clock.instant()));
    }

    /**
     * How far some work is and how long it will take yet.
     *
     * @param of what the share is of; may be empty
     */
    static String text(double share, String of, Duration soFar) {
        double known = Math.clamp(share, 0, 1);
        String percent = String.format(Locale.ROOT, "%.0f %%%s", Math.floor(100 * known), of);
        if (known < ENOUGH || known >= 1 || soFar.compareTo(LONG_ENOUGH) < 0) {
            return percent;
        }
        return percent + ", about "
                + Units.time(Duration.ofMillis(Math.round(soFar.toMillis() * (1 - known) / known))) + " left";
    }
}
