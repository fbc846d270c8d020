package dev.come.text;

import java.util.List;
import java.util.Locale;

/** Part of a data set, and the names that it goes by in files and folders, the usual one first. */
@SuppressWarnings("ImmutableEnumChecker") // its lists are unmodifiable
enum Split {
    TRAIN("train"), VALIDATION("validation", "valid", "val", "dev"), TEST("test"),

    /** Files that do not say which part they are. */
    ALL();

    private final List<String> names;

    Split(String... names) {
        this.names = List.of(names);
    }

    List<String> names() {
        return names;
    }

    /** Whether a file of that name says that it belongs to this split. */
    boolean claims(String fileName) {
        return names.stream().anyMatch(fileName::startsWith);
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
