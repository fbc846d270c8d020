package dev.come.evaluate;

import dev.come.UsageException;
import dev.come.vocabulary.TokenizerCompat;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * A release of lm-evaluation-harness (github.com/EleutherAI/lm-evaluation-harness) whose numbers are to be met. Releases differ
 * in the tokens in front of a text, and in task race.
 */
public enum HarnessVersion {
    /** Adds what the tokenizer adds by itself. */
    V0_4_13("0.4.13", BosRule.TOKENIZER, TokenizerCompat.TRANSFORMERS5),
    /** Never adds a token in front; an empty context becomes the BOS token. The last release of that kind. */
    V0_4_9_1("0.4.9.1", BosRule.NEVER, TokenizerCompat.FILE),
    /** Never adds a token in front; an empty context becomes the EOS token. SLEB brought this release along. */
    V0_4_1("0.4.1", BosRule.NEVER, TokenizerCompat.FILE);

    /** The one that is met where nothing else is asked for. */
    public static final HarnessVersion DEFAULT = V0_4_13;

    private final String number;
    private final BosRule bosRule;
    private final TokenizerCompat tokenizers;

    HarnessVersion(String number, BosRule bosRule, TokenizerCompat tokenizers) {
        this.number = number;
        this.bosRule = bosRule;
        this.tokenizers = tokenizers;
    }

    /**
     * The version of that number.
     *
     * @throws UsageException if there is none
     */
    public static HarnessVersion of(String number) {
        return Arrays.stream(values()).filter(version -> version.number.equals(number)).findFirst()
                .orElseThrow(() -> new UsageException("--harness-version is \"" + number + "\", but the choices are "
                        + Arrays.stream(values()).map(HarnessVersion::toString).collect(Collectors.joining(", "))));
    }

    /** The rule that this version goes by if nothing else is asked for. */
    public BosRule bosRule() {
        return bosRule;
    }

    /**
     * Whose ids texts become. No release says which transformers it wants; meant is the one that was new when it came out: 5 with
     * 0.4.13, and 4 with the others, which took tokenizer.json as it is.
     */
    public TokenizerCompat tokenizers() {
        return tokenizers;
    }

    /** Whether an empty context stands for the end-of-sequence token even where there is one for the beginning. */
    boolean prefixIsEnd() {
        return this == V0_4_1;
    }

    /** Whether a continuation that begins with the token of an empty context gives it up to the context. */
    boolean movesPrefixToContext() {
        return this == V0_4_13;
    }

    /** The number, as it is typed and printed. */
    @Override
    public String toString() {
        return number;
    }
}
