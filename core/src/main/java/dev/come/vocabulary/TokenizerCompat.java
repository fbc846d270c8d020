package dev.come.vocabulary;

import dev.come.UsageException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Whose ids a text becomes where a tokenizer.json and what transformers makes of it differ. */
public enum TokenizerCompat {
    /** What tokenizer.json itself says. */
    FILE,
    /**
     * What AutoTokenizer of transformers 5.24 gives: of some tokenizer classes it takes the vocabulary and the merges alone,
     * and everything else from its own code.
     */
    TRANSFORMERS5;

    /**
     * The choice of that name.
     *
     * @throws UsageException if there is none
     */
    public static TokenizerCompat of(String name) {
        return Arrays.stream(values()).filter(choice -> choice.toString().equals(name)).findFirst()
                .orElseThrow(() -> new UsageException("--tokenizer-compat is \"" + name + "\", but the choices are "
                        + Arrays.stream(values()).map(TokenizerCompat::toString).collect(Collectors.joining(", "))));
    }

    /** The name as it is typed and printed. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
