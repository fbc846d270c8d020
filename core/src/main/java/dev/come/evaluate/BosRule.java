package dev.come.evaluate;

import dev.come.UsageException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Whether the beginning-of-sequence token (BOS) stands in front of every text. It changes every number. */
public enum BosRule {
    /** As the tokenizer does it by itself. */
    TOKENIZER,
    /** Always; a model without such a token is refused. */
    ALWAYS,
    /** Never. */
    NEVER;

    /**
     * The rule of that name.
     *
     * @throws UsageException if there is none
     */
    public static BosRule of(String name) {
        return Arrays.stream(values()).filter(rule -> rule.toString().equals(name)).findFirst()
                .orElseThrow(() -> new UsageException("--bos is \"" + name + "\", but the choices are "
                        + Arrays.stream(values()).map(BosRule::toString).collect(Collectors.joining(", "))));
    }

    /** The name as it is typed and printed. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
