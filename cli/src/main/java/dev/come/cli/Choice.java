package dev.come.cli;

import dev.come.job.Choices;
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
        return Choices.check(option, value, known);
    }

    /**
     * The value of an enum by the name that users type.
     *
     * @param values those that can be given
     */
    static <E extends Enum<E>> E of(String option, String name, E[] values) {
        return Choices.of(option, name, values);
    }

    /** The name of a value of an enum as users type it: that of records, with hyphens. */
    static String name(Enum<?> value) {
        return Choices.name(value);
    }
}
