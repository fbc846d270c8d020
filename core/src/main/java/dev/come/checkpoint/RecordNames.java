package dev.come.checkpoint;

import java.util.Locale;

/** The names that keys and values have in the files of {@link RecordJson}: in snake_case. */
public final class RecordNames {
    private RecordNames() {
    }

    /** The key of a component of a record: {@code mergeItem} becomes {@code merge_item}. */
    public static String key(String component) {
        return component.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
    }

    /** The name of a value of an enum. */
    public static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
