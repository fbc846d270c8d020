package dev.come.chat;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The names that are known at a place of a template; a loop has a scope of its own. */
final class Scope {
    /** Stands for a name or field that is not there. Printed, it is nothing. */
    static final Object UNDEFINED = new Object();

    private final Map<String, @Nullable Object> values = new HashMap<>();
    private final @Nullable Scope around;

    Scope(@Nullable Scope around) {
        this.around = around;
    }

    @Nullable
    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.around) {
            if (scope.values.containsKey(name)) {
                return scope.values.get(name);
            }
        }
        return UNDEFINED;
    }

    void set(String name, @Nullable Object value) {
        values.put(name, value);
    }
}
