package dev.come.text;

import dev.come.InvalidInputException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a tokenizer.json says that decides where texts may be cut. The merges, which are most of the file, are passed over.
 *
 * @param steps all but the vocabulary: normalizer, pre_tokenizer, added_tokens, and the settings of the model
 * @param letterThenBlank whether a token has a letter before a blank
 * @param lineFeedThenLetter whether a token has a letter after a line feed
 * @param lineFeedThenBlank whether a token has a blank after a line feed
 */
record TokenizerShape(ObjectNode steps, boolean letterThenBlank, boolean lineFeedThenLetter,
        boolean lineFeedThenBlank) {
    /** A blank as it stands, as the byte-level alphabet writes it, and as SentencePiece does. */
    private static final String BLANKS = " \u0120\u2581";
    private static final String LINE_FEEDS = "\n\u010a";
    /** The byte-level alphabet has the control characters and the blank at these letters. */
    private static final char LETTER_OF_BYTE_0 = '\u0100';
    private static final char LETTER_OF_BLANK = '\u0120';
    /** In the byte-level alphabet; it is no letter, as other characters of two bytes may be. */
    private static final String NO_BREAK_BLANK = "\u00c2\u0142";

    /** Reads the text of a tokenizer.json. */
    static TokenizerShape of(Path file, String json) {
        try (JsonParser parser = JsonMapper.shared().createParser(json)) {
            ObjectNode steps = JsonMapper.shared().createObjectNode();
            Scan scan = new Scan();
            parser.nextToken();
            for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                parser.nextToken();
                if (name.equals("model") && parser.currentToken() == JsonToken.START_OBJECT) {
                    scan.model(parser, steps.putObject("model"));
                } else {
                    steps.set(name, parser.<JsonNode>readValueAsTree());
                }
            }
            Pairs pairs = steps.findValuesAsString("type").contains("ByteLevel") ? scan.ofBytes : scan.ofText;
            return new TokenizerShape(steps, pairs.letterThenBlank, pairs.lineFeedThenLetter, pairs.lineFeedThenBlank);
        } catch (JacksonException e) {
            throw new InvalidInputException(file + " is not JSON: " + e.getOriginalMessage(), e);
        }
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

    private static final class Scan {
        private final Pairs ofBytes = new Pairs(true);
        private final Pairs ofText = new Pairs(false);

        void model(JsonParser parser, ObjectNode settings) {
            for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                JsonToken value = parser.nextToken();
                if (name.equals("vocab")) {
                    vocabulary(parser);
                } else if (value.isScalarValue()) {
                    settings.set(name, parser.<JsonNode>readValueAsTree());
                } else {
                    parser.skipChildren();
                }
            }
        }

        /** An object of tokens and ids, or a list of lists of a token and a score. */
        private void vocabulary(JsonParser parser) {
            int depth = 1;
            while (depth > 0) {
                JsonToken token = parser.nextToken();
                if (token == null) {
                    return;
                }
                switch (token) {
                    case START_ARRAY, START_OBJECT -> depth++;
                    case END_ARRAY, END_OBJECT -> depth--;
                    case PROPERTY_NAME, VALUE_STRING -> token(parser.getString());
                    default -> {
                    }
                }
            }
        }

        private void token(String text) {
            ofText.add(text);
            ofBytes.add(text.replace(NO_BREAK_BLANK, "\t"));
        }
    }
}
