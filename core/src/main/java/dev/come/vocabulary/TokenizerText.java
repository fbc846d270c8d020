package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The text of a tokenizer.json, gone through from its beginning to its end: vocabulary and merges, which are most of it, are
 * never in memory as a whole.
 */
public final class TokenizerText {
    /** Deeper ones than the tokenizers library takes are refused; real files have six levels. */
    private static final int DEPTH = 64;
    private static final JsonFactory FORMAT = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEPTH).maxStringLength(Limits.TOKENIZER_BYTES).build())
            .build();

    private final Path file;
    private final JsonParser parser;
    private final Visitor visitor;

    private TokenizerText(Path file, JsonParser parser, Visitor visitor) {
        this.file = file;
        this.parser = parser;
        this.visitor = visitor;
    }

    /** Is given what most of the file consists of. */
    public interface Visitor {
        /** An entry of the vocabulary. */
        void token(String token, int id);

        /** Two tokens that are put together. */
        default void merge(String left, String right) {
        }

        /** A token that is recognised where a text spells it out. */
        default void added(AddedToken token) {
        }
    }

    /**
     * Goes through a text.
     *
     * @param file what messages call it
     * @return all else; in place of the vocabulary and of the merges there is their number
     * @throws CheckpointException if it is not JSON, or a list is not as it must be
     */
    public static ObjectNode read(Path file, String json, Visitor visitor) {
        return parsed(file, () -> Trees.MAPPER.createParser(json),
                parser -> new TokenizerText(file, parser, visitor).document());
    }

    /** Only what goes through a whole file needs it, and to make it takes longer than to read the beginning of one. */
    private static final class Trees {
        static final JsonMapper MAPPER = new JsonMapper(FORMAT);
    }

    /** Goes through a text with a reader of single values. */
    static <T> T streamed(Path file, String json, Function<JsonParser, T> reading) {
        return parsed(file, () -> FORMAT.createParser(ObjectReadContext.empty(), json), reading);
    }

    private static <T> T parsed(Path file, Supplier<JsonParser> opening, Function<JsonParser, T> reading) {
        try (JsonParser parser = opening.get()) {
            return reading.apply(parser);
        } catch (UnexpectedEndOfInputException e) {
            throw damaged(file, "EOF, its JSON ends before it is complete");
        } catch (JacksonException e) {
            throw damaged(file, "its JSON is broken (" + e.getOriginalMessage().lines().findFirst().orElse("") + ")");
        }
    }

    static CheckpointException damaged(Path file, String problem) {
        return new CheckpointException("%s is not a tokenizer that can be read: %s; fetch the file again"
                .formatted(file, problem));
    }

    private ObjectNode document() {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw damaged(file, "a JSON object {...} is expected");
        }
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
            JsonToken value = parser.nextToken();
            requireNew(all, name);
            if (name.equals("model") && value == JsonToken.START_OBJECT) {
                model(all.putObject(name));
            } else if (name.equals("added_tokens") && value == JsonToken.START_ARRAY) {
                List<AddedToken> added = AddedTokens.read(file, parser);
                added.forEach(token -> sound(token.content()));
                added.forEach(visitor::added);
                all.put(name, added.size());
            } else {
                all.set(name, sound(name, parser.readValueAsTree()));
            }
        }
        if (parser.nextToken() != null) {
            throw damaged(file, "text follows after its JSON object");
        }
        return all;
    }

    private void model(ObjectNode model) {
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
            JsonToken value = parser.nextToken();
            requireNew(model, name);
            boolean list = value == JsonToken.START_ARRAY;
            if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
                model.put(name, vocabulary());
            } else if (name.equals("vocab") && list) {
                model.put(name, scores());
            } else if (name.equals("merges") && list) {
                model.put(name, merges());
            } else {
                model.set(name, sound(name, parser.readValueAsTree()));
            }
        }
    }

    private void requireNew(ObjectNode object, String name) {
        if (object.has(name)) {
            throw damaged(file, "'%s' is given twice".formatted(Shown.of(name)));
        }
    }

    /** Each token with its id. */
    private int vocabulary() {
        int size = 0;
        for (String token = parser.nextName(); token != null; token = parser.nextName(), size++) {
            if (parser.nextToken() != JsonToken.VALUE_NUMBER_INT || parser.getLongValue() < 0
                    || parser.getLongValue() > Integer.MAX_VALUE) {
                throw damaged(file,
                        "the id of the token '%s' is %s".formatted(Shown.of(token), Shown.of(parser.getString())));
            }
            visitor.token(sound(token), parser.getIntValue());
        }
        return size;
    }

    /** Each token with its score; its place is its id. */
    private int scores() {
        int size = 0;
        for (; parser.nextToken() != JsonToken.END_ARRAY; size++) {
            if (parser.currentToken() != JsonToken.START_ARRAY || parser.nextToken() != JsonToken.VALUE_STRING) {
                throw damaged(file, "entry %s of its vocabulary is not a token with its score".formatted(size));
            }
            visitor.token(sound(parser.getString()), size);
            if (!parser.nextToken().isNumeric() || !Double.isFinite(parser.getDoubleValue())
                    || parser.nextToken() != JsonToken.END_ARRAY) {
                throw damaged(file, "entry %s of its vocabulary is not a token with its score".formatted(size));
            }
        }
        return size;
    }

    /** Two tokens each, in a list or with a blank between them. */
    private int merges() {
        int size = 0;
        for (; parser.nextToken() != JsonToken.END_ARRAY; size++) {
            if (parser.currentToken() == JsonToken.START_ARRAY) {
                String left = part(size);
                visitor.merge(left, part(size));
                if (parser.nextToken() != JsonToken.END_ARRAY) {
                    throw notMerge(size);
                }
            } else if (parser.currentToken() == JsonToken.VALUE_STRING) {
                String merge = sound(parser.getString());
                int blank = merge.indexOf(' ');
                if (blank >= 0) {
                    visitor.merge(merge.substring(0, blank), merge.substring(blank + 1));
                } else if (!merge.startsWith("#version")) {
                    throw notMerge(size);
                }
            } else {
                throw notMerge(size);
            }
        }
        return size;
    }

    private String part(int merge) {
        if (parser.nextToken() != JsonToken.VALUE_STRING) {
            throw notMerge(merge);
        }
        return sound(parser.getString());
    }

    private CheckpointException notMerge(int merge) {
        return damaged(file, "entry %s of its merges is not two tokens".formatted(merge));
    }

    private JsonNode sound(String name, JsonNode value) {
        sound(name);
        value.properties().forEach(entry -> sound(entry.getKey(), entry.getValue()));
        if (value.isArray()) {
            value.forEach(entry -> sound(name, entry));
        }
        if (value.isString()) {
            sound(value.stringValue());
        }
        if (value.isNumber() && !Double.isFinite(value.doubleValue())) {
            throw damaged(file, "the number under '%s' is too large".formatted(Shown.of(name)));
        }
        return value;
    }

    /** JSON may speak of half a character, which no other text can. */
    private String sound(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))
                    && (i + 1 == text.length() || !Character.isSurrogatePair(text.charAt(i), text.charAt(++i)))) {
                throw damaged(file, "'%s' holds half a character".formatted(Shown.of(text)));
            }
        }
        return text;
    }
}
