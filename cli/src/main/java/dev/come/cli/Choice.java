package dev.come.cli;

import dev.come.UsageException;
import java.util.List;

/**
 * An option whose value is one of several names.
 *
 * @param option the option as the user types it
 * @param known the names that can be given
 */
record Choice(String option, List<String> known) {
    /** Returns the value if it is known; otherwise says which names are. */
    String check(String value) {
        if (known.contains(value)) {
            return value;
        }
        throw new UsageException(
                "%s: there is no %s; choose from: %s".formatted(option, value, String.join(", ", known)));
    }
}
