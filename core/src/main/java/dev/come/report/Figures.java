package dev.come.report;

import java.time.Duration;
import java.util.Locale;

/** Writes quantities for people to read. */
public final class Figures {
    private Figures() {
    }

    /** For example {@code 4.1 s}, {@code 3 min 20 s}, {@code 2 h 05 min}. */
    public static String time(Duration duration) {
        long seconds = duration.plusMillis(500).toSeconds();
        if (seconds < 60) {
            return String.format(Locale.ROOT, "%.1f s", duration.toMillis() / 1000.0);
        }
        if (seconds < 3600) {
            return String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60);
        }
        return String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds / 60 % 60);
    }

    /** A measured number, for example {@code 21.603} or {@code 12,345}. */
    public static String decimals(double value) {
        return String.format(Locale.ROOT, Math.abs(value) < 1000 ? "%.3f" : "%,.0f", value);
    }

    /** A score of any size with four digits that tell something, for example {@code 0.1092} or {@code 1.2e-07}. */
    public static String digits(double value) {
        if (Double.isInfinite(value)) {
            return value > 0 ? "" : "log of 0";
        }
        double size = Math.abs(value);
        return String.format(Locale.ROOT, size != 0 && size < 0.001 ? "%.2e" : size < 10 ? "%.4f" : "%,.2f", value);
    }

    /** A whole number, for example {@code 1,501,056}. */
    public static String whole(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** A large number in a few digits, for example {@code 1.50 M} or {@code 7.62 B}. */
    public static String size(long value) {
        if (value < 1_000_000) {
            return whole(value);
        }
        boolean billions = value >= 999_500_000;
        double shown = value / (billions ? 1e9 : 1e6);
        return String.format(Locale.ROOT, shown < 100 ? "%.2f %s" : "%.1f %s", shown, billions ? "B" : "M");
    }

    /** A share, for example {@code 94.3 %}. */
    public static String share(double value) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * value);
    }

    /** The change; empty where there is none that a number tells, as from 0 or between values that are not finite. */
    public static String percent(double after, double before) {
        double factor = after / before;
        if (!Double.isFinite(factor)) {
            return "";
        }
        return factor < 10
                ? String.format(Locale.ROOT, "%+.1f %%", 100 * (factor - 1))
                : String.format(Locale.ROOT, "x %,.0f", factor);
    }

    /** Words with a capital at the beginning. */
    public static String sentence(String words) {
        return words.isEmpty() ? words : words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
    }
}
