package dev.come.cli;

import dev.come.UsageException;
import dev.come.report.Figures;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Writes quantities for people to read. */
final class Units {
    private static final Pattern COUNT = Pattern.compile("(\\d+(?:\\.\\d+)?) ?([KMBT]?)");
    private static final Map<String, Long> THOUSANDS = Map.of("", 1L, "K", 1_000L, "M", 1_000_000L, "B", 1_000_000_000L,
            "T", 1_000_000_000_000L);

    private Units() {
    }

    /** For example {@code 4.1 s}, {@code 3 min 20 s}, {@code 2 h 05 min}. */
    static String time(Duration duration) {
        return Figures.time(duration);
    }

    /**
     * The number that is written as {@code 1.2B}, {@code 850M} or {@code 1200000}.
     *
     * @param option the option that it was given to, for the message
     * @throws UsageException if it is written otherwise
     */
    static long count(String option, String text) {
        Matcher parts = COUNT.matcher(text.strip().replace("_", "").toUpperCase(Locale.ROOT));
        if (!parts.matches()) {
            throw new UsageException(option + " is '" + text + "'; give a number such as 1.2B, 850M or 1200000");
        }
        BigDecimal value = new BigDecimal(parts.group(1))
                .multiply(BigDecimal.valueOf(THOUSANDS.getOrDefault(parts.group(2), 1L)));
        return value.min(BigDecimal.valueOf(Long.MAX_VALUE)).longValue();
    }
}
