package dev.come.cli;

import java.time.Duration;
import java.util.Locale;

/** Writes quantities for people to read. */
final class Units {
    private Units() {
    }

    /** For example {@code 4.1 s}, {@code 3 min 20 s}, {@code 2 h 05 min}. */
    static String time(Duration duration) {
        long seconds = duration.plusMillis(500).toSeconds();
        if (seconds < 60) {
            return String.format(Locale.ROOT, "%.1f s", duration.toMillis() / 1000.0);
        }
        if (seconds < 3600) {
            return String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60);
        }
        return String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds / 60 % 60);
    }
}
