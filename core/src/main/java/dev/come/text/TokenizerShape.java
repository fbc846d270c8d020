package dev.come.text;

import dev.come.vocabulary.AddedToken;
import dev.come.vocabulary.SentencePieceText;
import dev.come.vocabulary.TokenizerText;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a tokenizer.json says that decides where texts may be cut.
 *
 * @param steps all but the vocabulary: normalizer, pre_tokenizer, added_tokens, and the settings of the model
 * @param added the tokens that are recognised where a text spells them out
 * @param dividesAtBlanks whether what is done to a text before all this sees only one side of a place before a blank or after a
 *        line feed
 * @param letterThenBlank whether a token has a letter before a blank
 * @param lineFeedThenLetter whether a token has a letter after a line feed
 * @param lineFeedThenBlank whether a token has a blank after a line feed
 */
record TokenizerShape(ObjectNode steps, List<AddedToken> added, boolean dividesAtBlanks, boolean letterThenBlank,
        boolean lineFeedThenLetter, boolean lineFeedThenBlank) {
    /** A blank as it stands, as the byte-level alphabet writes it, and as SentencePiece does. */
    private static final String BLANKS = " \u0120\u2581";
    private static final String LINE_FEEDS = "\n\u010a";
    /** The byte-level alphabet has the control characters and the blank at these letters. */
    private static final char LETTER_OF_BYTE_0 = '\u0100';
    private static final char LETTER_OF_BLANK = '\u0120';
    /** In the byte-level alphabet; it is no letter, as other characters of two bytes may be. */
    private static final String NO_BREAK_BLANK = "\u00c2\u0142";

    /**
     * Reads the text of a tokenizer.json.
     *
     * @param text how texts are made ready for it
     */
    static TokenizerShape of(Path file, String json, Optional<SentencePieceText> text) {
        Pairs ofBytes = new Pairs(true);
        Pairs ofText = new Pairs(false);
        List<AddedToken> added = new ArrayList<>();
        ObjectNode steps = TokenizerText.read(file, json, new TokenizerText.Visitor() {
            @Override
            public void token(String token, int id) {
                ofText.add(token);
                ofBytes.add(token.replace(NO_BREAK_BLANK, "\t"));
            }

            @Override
            public void added(AddedToken token) {
                added.add(token);
            }
        });
        Pairs pairs = steps.findValuesAsString("type").contains("ByteLevel") ? ofBytes : ofText;
        return new TokenizerShape(steps, text.map(SentencePieceText::added).orElse(added),
                text.isEmpty() || text.get().dividesAtBlanks(), pairs.letterThenBlank,
                pairs.lineFeedThenLetter, pairs.lineFeedThenBlank);
    }

    /** The types of all components of a step, such as "pre_tokenizer". */
    Set<String> types(String step) {
        return new TreeSet<>(steps.path(step).findValuesAsString("type"));
    }

    /** All expressions in a step. */
    List<String> expressions(String step) {
        return steps.path(step).findValuesAsString("Regex");
    }

    /** What stands beside each other in some token, in one of the two alphabets of vocabularies. */
    private static final class Pairs {
        private final boolean bytes;
        private boolean letterThenBlank;
        private boolean lineFeedThenLetter;
        private boolean lineFeedThenBlank;

        Pairs(boolean bytes) {
            this.bytes = bytes;
        }

        void add(String token) {
            for (int i = 1; i < token.length(); i++) {
                char left = token.charAt(i - 1);
                char right = token.charAt(i);
                letterThenBlank |= BLANKS.indexOf(right) >= 0 && isLetter(left);
                lineFeedThenLetter |= LINE_FEEDS.indexOf(left) >= 0 && isLetter(right);
                lineFeedThenBlank |= LINE_FEEDS.indexOf(left) >= 0 && BLANKS.indexOf(right) >= 0;
            }
        }

        /** Whether the character may be one of a word, or a byte of one. */
        private boolean isLetter(char character) {
            if (character < 0x80) {
                return Character.isLetter(character);
            }
            boolean control = bytes && character >= LETTER_OF_BYTE_0 && character <= LETTER_OF_BLANK;
            return !control && BLANKS.indexOf(character) < 0 && LINE_FEEDS.indexOf(character) < 0;
        }
    }
}
