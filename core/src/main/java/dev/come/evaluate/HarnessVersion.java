package dev.come.evaluate;

import dev.come.UsageException;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * A release of lm-evaluation-harness (github.com/EleutherAI/lm-evaluation-harness) whose numbers are to be met. Releases differ
 * in the tokens in front of a text, and in task race.
 */
public enum HarnessVersion {
    /** Adds what the tokenizer adds by itself. */
    V0_4_13("0.4.13", BosRule.TOKENIZER),
    /** Never adds a token in front; an empty context becomes the BOS token. The last release of that kind. */
    V0_4_9_1("0.4.9.1", BosRule.NEVER),
    /** Never adds a token in front; an empty context becomes the EOS token. SLEB brought this release along. */
    V0_4_1("0.4.1", BosRule.NEVER);

    /** The one that is met where nothing else is asked for. */
    public static final HarnessVersion DEFAULT = V0_4_13;

    private final String number;
    private final BosRule bosRule;

    HarnessVersion(String number, BosRule bosRule) {
        this.number = number;
        this.bosRule = bosRule;
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
