package dev.come.failure;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Guesses which known name a mistyped one was meant to be. */
public final class Nearest {
    /** One slip is forgiven in any name, and one more for each so many characters. */
    private static final int CHARACTERS_FOR_A_SLIP = 4;

    private Nearest() {
    }

    /** The known name that takes the fewest slips to become the given one; none if that takes too many. */
    public static Optional<String> to(String given, Collection<String> known) {
        String typed = given.toLowerCase(Locale.ROOT);
        return known.stream().filter(name -> slips(typed, name.toLowerCase(Locale.ROOT)) <= most(given))
                .min(Comparator.comparingInt(name -> slips(typed, name.toLowerCase(Locale.ROOT))));
    }

    /** What a message says behind a name that is not known: {@code " (did you mean sleb?)"}, or nothing. */
    public static String hint(String given, Collection<String> known) {
        return to(given, known).map(name -> " (did you mean " + name + "?)").orElse("");
    }

    private static int most(String given) {
        return Math.max(1, given.length() / CHARACTERS_FOR_A_SLIP);
    }

    /** Characters left out, put in, changed, or swapped with the next one (the distance of optimal string alignment). */
    static int slips(String one, String other) {
        int[][] rows = new int[one.length() + 1][other.length() + 1];
        for (int i = 0; i <= one.length(); i++) {
            for (int j = 0; j <= other.length(); j++) {
                rows[i][j] = i == 0 || j == 0 ? i + j : best(rows, one, other, i, j);
            }
        }
        return rows[one.length()][other.length()];
    }

    private static int best(int[][] rows, String one, String other, int i, int j) {
        int changed = rows[i - 1][j - 1] + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        int best = Math.min(changed, Math.min(rows[i - 1][j], rows[i][j - 1]) + 1);
        boolean swapped = i > 1 && j > 1 && one.charAt(i - 1) == other.charAt(j - 2)
                && one.charAt(i - 2) == other.charAt(j - 1);
        return swapped ? Math.min(best, rows[i - 2][j - 2] + 1) : best;
    }
}
