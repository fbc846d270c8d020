package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The list of added tokens in the text of a tokenizer.json.
 *
 * @param from where it begins, or where one can be put
 * @param to where it ends
 */
record AddedTokens(List<AddedToken> tokens, int from, int to) {
    private static final String NAME = "added_tokens";

    /** Finds the list, which stands at the beginning of a usual file, and reads no further. */
    static AddedTokens find(Path file, String json) {
        return TokenizerText.streamed(file, json, parser -> {
            parser.nextToken();
            int start = (int) parser.currentLocation().getCharOffset();
            for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                JsonToken value = parser.nextToken();
                int from = (int) parser.currentTokenLocation().getCharOffset();
                if (name.equals(NAME) && value == JsonToken.START_ARRAY) {
                    return new AddedTokens(read(file, parser), from, (int) parser.currentLocation().getCharOffset());
                }
                parser.skipChildren();
            }
            return new AddedTokens(List.of(), start, start);
        });
    }

    /** Reads the list that the parser is at the beginning of. */
    static List<AddedToken> read(Path file, JsonParser parser) {
        List<AddedToken> tokens = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw TokenizerText.damaged(file,
                        "entry %s of its added_tokens is no object {...}".formatted(tokens.size()));
            }
            tokens.add(new Entry(file, parser, tokens.size()).read());
        }
        return tokens;
    }

    /** The text with another list in this one's place. */
    String replaced(String json, List<AddedToken> other) {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        other.forEach(token -> token.write(list.addObject()));
        return json.substring(0, from) + (from == to ? "\"%s\":%s,".formatted(NAME, list) : list) + json.substring(to);
    }

    private static final class Entry {
        private final Path file;
        private final JsonParser parser;
        private final int place;
        private long id = -1;
        private String content = "";
        private boolean special;
        private boolean normalized;
        private boolean singleWord;
        private boolean leftStrip;
        private boolean rightStrip;

        Entry(Path file, JsonParser parser, int place) {
            this.file = file;
            this.parser = parser;
            this.place = place;
        }

        AddedToken read() {
            for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                JsonToken value = parser.nextToken();
                switch (name) {
                    case "id" -> id = value == JsonToken.VALUE_NUMBER_INT ? parser.getLongValue() : -1;
                    case "content" -> {
                        require(value == JsonToken.VALUE_STRING, name);
                        content = parser.getString();
                    }
                    case "special" -> special = truth(name);
                    case "normalized" -> normalized = truth(name);
                    case "single_word" -> singleWord = truth(name);
                    case "lstrip" -> leftStrip = truth(name);
                    case "rstrip" -> rightStrip = truth(name);
                    default -> parser.skipChildren();
                }
            }
            require(id >= 0 && id <= Integer.MAX_VALUE, "id");
            require(!content.isEmpty(), "content");
            return new AddedToken((int) id, content, special, normalized, singleWord, leftStrip, rightStrip);
        }

        private boolean truth(String name) {
            require(parser.currentToken().isBoolean(), name);
            return parser.getBooleanValue();
        }

        private void require(boolean sound, String name) {
            if (!sound) {
                throw damaged(name);
            }
        }

        private CheckpointException damaged(String name) {
            return TokenizerText.damaged(file, "entry %s of its added_tokens has no sound '%s'".formatted(place, name));
        }
    }
}
