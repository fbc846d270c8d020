package dev.come.cli;

import dev.come.UsageException;
import java.util.List;

/**
 * An option whose value is one of several names.
 *
 * @param option the option as the user types it
 * @param known the names that can be given
 * @param planned names that the paper's authors offer and that this version does not have
 */
record Choice(String option, List<String> known, List<String> planned) {
    /** Returns the value if it is known; otherwise says which names are. */
    String check(String value) {
        if (known.contains(value)) {
            return value;
        }
        String found = planned.contains(value) ? value + " is not there yet" : "there is no " + value;
        throw new UsageException("%s: %s; choose from: %s".formatted(option, found, String.join(", ", known)));
    }
}
