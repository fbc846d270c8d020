package dev.come;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers of bytes as users write and read them. */
public final class ByteSize {
    private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d+)?) ?(KB|MB|GB|TB|KIB|MIB|GIB|TIB|)");

    private ByteSize() {
    }

    /**
     * The number of bytes in a size such as {@code 5GB} or {@code 200MiB}. The spelling is that of transformers; a
     * number alone is bytes.
     *
     * @param option the option that the size was given to, for the message
     * @throws UsageException when it is spelt otherwise
     */
    public static long parse(String option, String size) {
        Matcher parts = SIZE.matcher(size.strip().toUpperCase(Locale.ROOT));
        if (!parts.matches()) {
            throw new UsageException("%s is '%s'; give a size such as 5GB, 200MB or 1GiB".formatted(option, size));
        }
        long unit = switch (parts.group(2)) {
            case "KB" -> 1_000L;
            case "MB" -> 1_000_000L;
            case "GB" -> 1_000_000_000L;
            case "TB" -> 1_000_000_000_000L;
            case "KIB" -> 1L << 10;
            case "MIB" -> 1L << 20;
            case "GIB" -> 1L << 30;
            case "TIB" -> 1L << 40;
            default -> 1L;
        };
        return (long) (Double.parseDouble(parts.group(1)) * unit);
    }

    /** For example {@code 269 MB} or {@code 1.3 GB}, in powers of ten. */
    public static String format(long bytes) {
        String[] units = {"bytes", "kB", "MB", "GB", "TB", "PB"};
        double value = bytes;
        int unit = 0;
        while (value >= 999.5 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    }
}
