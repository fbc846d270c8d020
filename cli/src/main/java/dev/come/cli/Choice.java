package dev.come.cli;

import dev.come.UsageException;
import dev.come.checkpoint.RecordNames;
import dev.come.failure.Nearest;
import java.util.Arrays;
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
                "%s: there is no %s%s; choose from: %s".formatted(option, value, Nearest.hint(value, known),
                        String.join(", ", known)));
    }

    /**
     * The value of an enum by the name that users type.
     *
     * @param values those that can be given
     */
    static <E extends Enum<E>> E of(String option, String name, E[] values) {
        List<String> names = Arrays.stream(values).map(Choice::name).toList();
        return values[names.indexOf(new Choice(option, names).check(name))];
    }

    /** The name of a value of an enum as users type it: that of records, with hyphens. */
    static String name(Enum<?> value) {
        return RecordNames.name(value).replace('_', '-');
    }
}
