package dev.come.job;

import dev.come.UsageException;
import dev.come.checkpoint.RecordNames;
import dev.come.failure.Nearest;
import java.util.Arrays;
import java.util.List;

/** Values of options that are one of several names. */
public final class Choices {
    private Choices() {
    }

    /**
     * Returns a value that is known.
     *
     * @throws UsageException if it is not; the message names those that are
     */
    public static String check(String option, String value, List<String> known) {
        if (known.contains(value)) {
            return value;
        }
        throw new UsageException("%s: there is no %s%s; choose from: %s".formatted(option, value,
                Nearest.hint(value, known), String.join(", ", known)));
    }

    /**
     * The value of an enum by the name that users type.
     *
     * @param values those that can be given
     */
    public static <E extends Enum<E>> E of(String option, String name, E[] values) {
        List<String> names = Arrays.stream(values).map(Choices::name).toList();
        return values[names.indexOf(check(option, name, names))];
    }

    /** The name of a value of an enum as users type it: that of records, with hyphens. */
    public static String name(Enum<?> value) {
        return RecordNames.name(value).replace('_', '-');
    }
}
