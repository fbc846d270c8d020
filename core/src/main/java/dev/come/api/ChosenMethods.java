package dev.come.api;

import dev.come.UsageException;
import dev.come.failure.Nearest;
import dev.come.prune.Laco;
import dev.come.prune.Methods;
import dev.come.prune.PruningMethod;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The methods that a program names, and their options. */
final class ChosenMethods {
    private static final String ALL = "all";

    private @Nullable String name;
    private final Map<String, String> options = new LinkedHashMap<>();

    void name(String names) {
        name = names;
    }

    /** As it was said; "null" if it was not. */
    String name() {
        return String.valueOf(name);
    }

    /** @param option with its dashes */
    void option(String option, String value) {
        options.put(option, value);
    }

    /**
     * Those that are named, in that order.
     *
     * @throws UsageException if none was named, or there is no such method
     */
    List<Methods.Entry<?>> entries() {
        if (name == null) {
            throw new UsageException("method(...) is missing; choose from " + String.join(", ", names()));
        }
        return name.equals(ALL)
                ? Methods.ALL.stream().filter(entry -> !entry.equals(Methods.MANUAL)).toList()
                : Arrays.stream(name.split(",")).map(String::strip)
                        .distinct().<Methods.Entry<?>>map(one -> Methods.named(one).orElseThrow(() -> noMethod(one)))
                        .toList();
    }

    private static List<String> names() {
        return Stream.concat(Methods.ALL.stream().map(Methods.Entry::name), Stream.of(ALL)).toList();
    }

    private static UsageException noMethod(String name) {
        return new UsageException("method(\"" + name + "\"): there is no such method" + Nearest.hint(name, names())
                + "; choose from " + String.join(", ", names()));
    }

    /**
     * A method with its options. Of several each gets those that it has; one that none has is refused.
     *
     * @param all methods of the run
     * @param sizeSaid whether something else than laco's threshold says how far to go
     */
    PruningMethod of(Methods.Entry<?> entry, List<Methods.Entry<?>> all, boolean sizeSaid) {
        Map<String, String> own = new LinkedHashMap<>();
        options.forEach((option, value) -> {
            if (has(entry, option) || all.stream().noneMatch(other -> has(other, option))) {
                own.put(option, value);
            }
        });
        PruningMethod made = entry.method(own);
        return made instanceof Laco laco ? new Laco(laco.options(), sizeSaid) : made;
    }

    private static boolean has(Methods.Entry<?> entry, String option) {
        return entry.optionNames().contains(option.substring(2).replace('-', '_'));
    }
}
