package dev.come.job;

import dev.come.prune.Methods;
import java.util.List;

/**
 * A method of {@code come prune}.
 *
 * @param name how {@code --method} calls it
 * @param data what it is measured on where nothing else is asked for; empty if it looks at the weights alone
 * @param summary what it does
 */
public record MethodSummary(String name, String data, String summary) {
    /** All of them. */
    public static List<MethodSummary> all() {
        return Methods.ALL.stream().map(entry -> new MethodSummary(entry.name(),
                entry.ownData().map(Methods.Data::dataset).orElse(""), entry.summary())).toList();
    }
}
