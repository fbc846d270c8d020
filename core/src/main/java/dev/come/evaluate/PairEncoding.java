package dev.come.evaluate;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.run.Continuation;
import dev.come.text.SpecialTokens;
import dev.come.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** Context and continuation into tokens as lm-evaluation-harness does it. */
final class PairEncoding {
    private final Tokenizer tokenizer;
    private final HarnessVersion version;
    private final BosRule bosRule;
    private final OptionalInt beginning;
    private final int prefix;
    private final String beginningText;
    private final int longest;
    private String lastContext = "";
    private int[] lastContextIds = {};

    /**
     * Tokens of a pair before they are cut.
     *
     * @param context never empty
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on at once, never compared
    record Pair(int[] context, int[] continuation) {}

    /**
     * Takes the rules.
     *
     * @param longest tokens that go through the model at once
     * @throws UsageException if a BOS token is to stand in front and the tokenizer has none
     * @throws InvalidInputException if the tokenizer has neither a BOS nor an EOS token
     */
    PairEncoding(Tokenizer tokenizer, SpecialTokens special, HarnessVersion version, BosRule bosRule, int longest) {
        this.tokenizer = tokenizer;
        this.version = version;
        this.bosRule = bosRule;
        this.longest = longest;
        this.beginning = special.beginning();
        OptionalInt first = version.prefixIsEnd() ? special.end() : special.beginning();
        OptionalInt second = version.prefixIsEnd() ? special.beginning() : special.end();
        if (first.isEmpty() && second.isEmpty()) {
            throw new InvalidInputException("The tokenizer names neither a bos_token nor an eos_token, one of which"
                    + " stands before a text without context; add them to tokenizer_config.json");
        }
        this.prefix = first.orElseGet(second::getAsInt);
        this.beginningText = tokenizer.decode(new int[]{beginning.orElse(prefix)});
        if (bosRule == BosRule.ALWAYS && beginning.isEmpty()) {
            throw new UsageException(
                    "--bos is always, but the tokenizer has no bos_token; give --bos tokenizer or never");
        }
    }

    /** The token that stands in for an empty context. */
    int prefix() {
        return prefix;
    }

    /** The tokens of a text. A BOS token that is spelt out at its beginning is not doubled. */
    int[] encode(String text) {
        if (bosRule == BosRule.NEVER || (!beginningText.isEmpty() && text.startsWith(beginningText))) {
            return tokenizer.encodeWithoutSpecialTokens(text);
        }
        int[] ids = tokenizer.encode(text);
        if (bosRule == BosRule.ALWAYS && (ids.length == 0 || ids[0] != beginning.getAsInt())) {
            return IntStream.concat(IntStream.of(beginning.getAsInt()), Arrays.stream(ids)).toArray();
        }
        return ids;
    }

    /**
     * The tokens of a context and what follows. Blanks at the end of the context go to the continuation, and the continuation
     * is never encoded alone: its tokens are those that context and continuation together have more than the context.
     */
    Pair pair(String context, String continuation) {
        if (context.isEmpty()) {
            int[] ids = tokenizer.encodeWithoutSpecialTokens(continuation);
            boolean moved = version.movesPrefixToContext() && ids.length > 0 && ids[0] == prefix;
            return new Pair(new int[]{prefix}, moved ? Arrays.copyOfRange(ids, 1, ids.length) : ids);
        }
        String stripped = PythonText.stripRight(context);
        String moved = context.substring(stripped.length()) + continuation;
        int[] whole = encode(stripped + moved);
        if (!stripped.equals(lastContext) || lastContextIds.length == 0) { // the choices of a question follow each other
            lastContext = stripped;
            lastContextIds = encode(stripped);
        }
        int[] before = lastContextIds;
        return new Pair(before, Arrays.copyOfRange(whole, Math.min(before.length, whole.length), whole.length));
    }

    /**
     * The tokens of a text that the model is to go on with; they are cut on their left until there is room for more.
     *
     * @param more tokens that there is to be room for
     * @param name what messages call it
     * @throws InvalidInputException if it has no tokens
     * @throws UsageException if there is no room for a token of it
     */
    int[] prompt(String text, int more, String name) {
        if (more >= longest) {
            throw new UsageException("A text of " + more + " tokens is to be written for " + name
                    + ", but the model takes " + longest + " tokens, those before it counted; choose a longer"
                    + " --max-length, or a task of your own with less \"tokens\"");
        }
        int[] ids = encode(text);
        if (ids.length == 0) {
            throw new InvalidInputException("The text of " + name
                    + " has no tokens, so that there is nothing to go on from; take the document out");
        }
        return Arrays.copyOfRange(ids, Math.max(0, ids.length - (longest - more)), ids.length);
    }

    /**
     * What is scored of a pair: the context is cut on its left until all fits.
     *
     * @param name what messages call it
     * @throws InvalidInputException if there is nothing to score, nothing before it, or it is longer than the model takes
     */
    Continuation cut(Pair pair, String name) {
        int scored = pair.continuation.length;
        if (scored == 0 || pair.context.length == 0) {
            throw new InvalidInputException("The " + (scored == 0 ? "continuation" : "context") + " of " + name
                    + " has no tokens, so that there is nothing to score" + (scored == 0 ? "" : " it after")
                    + "; take the document out, or choose another --bos");
        }
        if (scored > longest) {
            throw new InvalidInputException("The continuation of " + name + " has " + scored
                    + " tokens, but the model takes " + longest + "; take the document out");
        }
        int[] ids = IntStream.concat(Arrays.stream(pair.context), Arrays.stream(pair.continuation)).toArray();
        return new Continuation(Arrays.copyOfRange(ids, Math.max(0, ids.length - longest - 1), ids.length), scored);
    }

    /** What is scored of a text without context. */
    List<Continuation> windows(String text) {
        return RollingWindows.of(encode(text), prefix, longest);
    }
}
