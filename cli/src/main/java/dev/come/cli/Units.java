package dev.come.cli;

import dev.come.report.Figures;
import java.time.Duration;

/** Writes quantities for people to read. */
final class Units {
    private Units() {
    }

    /** For example {@code 4.1 s}, {@code 3 min 20 s}, {@code 2 h 05 min}. */
    static String time(Duration duration) {
        return Figures.time(duration);
    }
}
