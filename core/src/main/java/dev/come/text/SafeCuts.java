package dev.come.text;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/**
 * Where a text may be cut in two so that the ids of the parts, one after the other, are those of the whole.
 *
 * <p>There are two kinds of places: before a single blank between two letters, and after a single line feed before a letter.
 * A place is safe if no token reaches across it, and if what stands on one side does not change how the other side is
 * divided into words. The first follows from the vocabulary: pieces only ever become pieces of the vocabulary, so if no
 * token has a letter before a blank, merging goes on separately on both sides. The second follows from the kinds of steps
 * in front of the model; what an expression does there is tried, on a text with many kinds of places.
 *
 * <p>Some tokenizers put a blank in front of each text. There each part gets a line feed in front, whose ids are taken off
 * again.
 *
 * <p>No place is safe for tokenizers whose tokens hold several words, for those of the kind Unigram that do not divide texts
 * into words first (sums of scores round as what is before them), and with steps that are unknown here.
 */
final class SafeCuts {
    /** Characters around a place that decide whether it is one: this many before it. */
    static final int CONTEXT = 2;

    private static final Set<String> MODELS = Set.of("BPE", "Unigram", "WordPiece", "WordLevel");
    private static final Set<String> NORMALIZERS = Set.of("Sequence", "NFC", "NFD", "NFKC", "NFKD", "Lowercase",
            "Replace", "Prepend", "Strip", "StripAccents", "Nmt", "Precompiled", "BertNormalizer", "ByteLevel");
    private static final Set<String> PRE_TOKENIZERS = Set.of("Sequence", "ByteLevel", "Split", "Metaspace",
            "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "Punctuation", "Digits", "UnicodeScripts",
            "CharDelimiterSplit");
    /** An expression with it sees what is before the place where it matches. */
    private static final Pattern LOOKS_BACK = Pattern.compile("\\(\\?<[=!]|\\\\G");
    private static final Pattern LETTER_THEN_BLANK = Pattern.compile("\\p{L} ");
    private static final Pattern LINE_FEED_THEN_LETTER = Pattern.compile("\\n\\p{L}");
    private static final List<String> GUARDS = List.of("", "\n");

    private static final List<String> ENDS = List
            .of(("a word Word I it's na\u00efve stra\u00dfe \u0441\u043b\u043e\u0432\u043e"
                    + " \u05e9\u05dc\u05d5\u05dd \u6f22\u5b57 \u304b\u306a \ud55c\uae00 \u1e9e \u2d63 \ua66e x1y 12a HTTP .com (ab"
                    + " -x _y \"q 'n e\u0301e \ud83d\ude00b ) . , \u3002 !? 7 --").split(" ", -1));
    private static final List<String> BEGINNINGS = List
            .of(("the I s t'll \u00dcber \u043c\u0438\u0440 \u6f22\u5b57 \u306f \u1e9e"
                    + " \u2d63 \ua66e x=1; ab.c a's B2B don't ing HTTP").split(" ", -1));

    /** One pair of this many is tried: all would take a second. */
    private static final int STEP = 4;

    private static final SafeCuts NONE = new SafeCuts(false, false, "", new int[0], new int[0], new int[0]);

    private final boolean beforeBlanks;
    private final boolean afterLineFeeds;
    private final String guard;
    private final int[] guardIds;
    private final int[] before;
    private final int[] after;

    private SafeCuts(boolean beforeBlanks, boolean afterLineFeeds, String guard, int[] guardIds, int[] before,
            int[] after) {
        this.beforeBlanks = beforeBlanks;
        this.afterLineFeeds = afterLineFeeds;
        this.guard = guard;
        this.guardIds = guardIds;
        this.before = before;
        this.after = after;
    }

    /** Finds out which kinds of places are safe for a tokenizer. */
    static SafeCuts of(TokenizerShape shape, Tokenizer tokenizer) {
        int[] word = tokenizer.encodeAtOnce("a", false);
        int[] full = tokenizer.encodeAtOnce("a", true);
        int at = IntStream.rangeClosed(0, full.length - word.length)
                .filter(i -> Arrays.equals(full, i, i + word.length, word, 0, word.length)).findFirst().orElse(-1);
        if (at >= 0 && isKnown(shape)) {
            int[] before = Arrays.copyOf(full, at);
            int[] after = Arrays.copyOfRange(full, at + word.length, full.length);
            SafeCuts best = NONE;
            for (String guard : GUARDS) {
                int[] guardIds = tokenizer.encodeAtOnce(guard, false);
                SafeCuts blanks = new SafeCuts(blanksAreSafe(shape, guard), false, guard, guardIds, before, after);
                SafeCuts lines = new SafeCuts(false, lineFeedsAreSafe(shape), guard, guardIds, before, after);
                SafeCuts both = new SafeCuts(blanks.beforeBlanks && blanks.keepsIds(tokenizer, " "),
                        lines.afterLineFeeds && lines.keepsIds(tokenizer, "\n"), guard, guardIds, before, after);
                best = both.kinds() > best.kinds() ? both : best;
                if (best.kinds() == 2) {
                    break;
                }
            }
            return best;
        }
        return NONE;
    }

    private int kinds() {
        return (beforeBlanks ? 1 : 0) + (afterLineFeeds ? 1 : 0);
    }

    private static boolean isKnown(TokenizerShape shape) {
        JsonNode model = shape.steps().path("model");
        String type = model.path("type").asString("BPE");
        Set<String> words = shape.types("pre_tokenizer");
        return shape.dividesAtBlanks() && MODELS.contains(type) && model.path("dropout").asDouble(0) == 0
                && NORMALIZERS.containsAll(shape.types("normalizer")) && PRE_TOKENIZERS.containsAll(words)
                && (!type.equals("Unigram") || dividesAtBlanks(shape.steps().path("pre_tokenizer"), words))
                && shape.expressions("normalizer").stream().noneMatch(SafeCuts::looksBack)
                && shape.expressions("pre_tokenizer").stream().noneMatch(SafeCuts::looksBack);
    }

    private static boolean looksBack(String expression) {
        return LOOKS_BACK.matcher(expression).find();
    }

    private static boolean dividesAtBlanks(JsonNode preTokenizer, Set<String> types) {
        return types.contains("WhitespaceSplit") || types.contains("Whitespace")
                || (types.contains("Metaspace") && !preTokenizer.findValuesAsString("split").contains("false"));
    }

    /** An added token may hold a letter and a blank, or take blanks beside it, and with them what is put in front. */
    private static boolean blanksAreSafe(TokenizerShape shape, String guard) {
        return !shape.letterThenBlank() && (guard.isEmpty() || !shape.lineFeedThenBlank())
                && shape.added().stream().noneMatch(token -> LETTER_THEN_BLANK.matcher(token.content()).find()
                        || (token.rightStrip() && endsInLetter(token.content()))
                        || (!guard.isEmpty() && token.leftStrip() && beginsWithLetter(token.content())));
    }

    private static boolean lineFeedsAreSafe(TokenizerShape shape) {
        return !shape.lineFeedThenLetter()
                && shape.added().stream().noneMatch(token -> LINE_FEED_THEN_LETTER.matcher(token.content()).find()
                        || (token.leftStrip() && beginsWithLetter(token.content())));
    }

    private static boolean beginsWithLetter(String text) {
        return !text.isEmpty() && Character.isLetter(text.charAt(0));
    }

    private static boolean endsInLetter(String text) {
        return !text.isEmpty() && Character.isLetter(text.charAt(text.length() - 1));
    }

    /** Whether cutting at all places of a text with many pairs of words around the separator keeps its ids. */
    private boolean keepsIds(Tokenizer tokenizer, String separator) {
        StringBuilder text = new StringBuilder();
        for (int end = 0; end < ENDS.size(); end++) {
            for (int beginning = end % STEP; beginning < BEGINNINGS.size(); beginning += STEP) {
                text.append(ENDS.get(end)).append(separator).append(BEGINNINGS.get(beginning))
                        .append(text.length() % 3 == 0 ? "  " : "\n\n");
            }
        }
        char[] characters = text.toString().toCharArray();
        int[] whole = tokenizer.encodeAtOnce(text.toString(), false);
        int from = characters.length;
        int unmatched = whole.length;
        while (from > 0) { // from the last part to the first
            int to = from;
            from = Math.max(0, last(characters, 0, to));
            String part = (from == 0 ? "" : guard) + new String(characters, from, to - from);
            int[] ids = tokenizer.encodeAtOnce(part, false);
            int skipped = from == 0 ? 0 : guardIds.length;
            int length = ids.length - skipped;
            if (length < 0 || length > unmatched || !Arrays.equals(ids, 0, skipped, guardIds, 0, skipped)
                    || !Arrays.equals(ids, skipped, ids.length, whole, unmatched - length, unmatched)) {
                return false;
            }
            unmatched -= length;
        }
        return unmatched == 0;
    }

    /** The last place in the text, after {@code from} and before {@code to}, or -1. */
    int last(char[] text, int from, int to) {
        for (int place = to - 2; place > Math.max(from, CONTEXT - 1); place--) {
            if (Character.isLetter(text[place])
                    ? afterLineFeeds && text[place - 1] == '\n' && isMark(text[place - 2])
                    : beforeBlanks && text[place] == ' ' && Character.isLetter(text[place - 1])
                            && Character.isLetter(text[place + 1])) {
                return place;
            }
        }
        return -1;
    }

    /** No blank of any kind, nor a character that an expression may take for one. */
    private static boolean isMark(char character) {
        return !Character.isWhitespace(character) && !Character.isSpaceChar(character)
                && !Character.isISOControl(character);
    }

    /** What is put in front of all parts but the first. */
    String guard() {
        return guard;
    }

    /** The ids that this gives, to be taken off. */
    int[] guardIds() {
        return guardIds;
    }

    /** The special tokens in front of a text. */
    int[] before() {
        return before;
    }

    /** The special tokens after a text. */
    int[] after() {
        return after;
    }
}
