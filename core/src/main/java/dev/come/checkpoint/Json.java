package dev.come.checkpoint;

import dev.come.failure.Shortage;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.DecimalNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * JSON as Python's {@code json} module writes it for Hugging Face. It is read so that it can be written again
 * unchanged: keys keep their order and fractions their digits ({@code 1e-05} stays {@code 1e-05}). What Python
 * tolerates but JSON does not say clearly (a key given twice, NaN, Infinity) is refused.
 */
final class Json {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            // Read NaN as a token, so that the message can name its key.
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            // Python's habits: \u00e9 for é, and no backslash before a slash.
            .enable(JsonWriteFeature.ESCAPE_NON_ASCII).disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE)
            .disable(JsonWriteFeature.ESCAPE_FORWARD_SLASHES)
            // It loads 40 classes for the one such number that every tokenizer_config.json has.
            .disable(StreamReadFeature.USE_FAST_BIG_NUMBER_PARSER).build();
    private static final JsonMapper MAPPER = new JsonMapper(FACTORY);

    private final Path file;
    private final JsonParser parser;
    private int values;

    private Json(Path file, JsonParser parser) {
        this.file = file;
        this.parser = parser;
    }

    /**
     * The JSON object that the file holds.
     *
     * @param limit how many bytes the file may have
     * @throws CheckpointException when the file cannot be read, is too large or holds something else
     */
    static ObjectNode read(Path file, int limit) {
        return Shortage.reading(file, () -> parse(bytes(file, limit), file));
    }

    private static byte[] bytes(Path file, int limit) {
        try {
            return Limits.read(file, limit);
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s); check that it exists and may be read"
                    .formatted(file, IoReason.of(e)), e);
        }
    }

    /**
     * The JSON object in these bytes.
     *
     * @param file what messages call it
     * @throws CheckpointException when the bytes are anything else
     */
    static ObjectNode parse(byte[] bytes, Path file) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        read(bytes, file, json -> json.document(root::has, root::set));
        return root;
    }

    /**
     * Goes through the JSON object in these bytes one value after the other. Only one value is in memory at a time.
     *
     * @param file what messages call it
     * @param entry is given each key with its value
     * @throws CheckpointException when the bytes are anything else
     */
    static void forEach(byte[] bytes, Path file, BiConsumer<String, JsonNode> entry) {
        Set<String> known = new HashSet<>();
        read(bytes, file, json -> json.document(key -> !known.add(key), (key, value) -> {
            json.values = 0;
            entry.accept(key, value);
        }));
    }

    private static void read(byte[] bytes, Path file, Consumer<Json> reading) {
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text(bytes))) {
            reading.accept(new Json(file, parser));
        } catch (CharacterCodingException e) {
            throw new CheckpointException(file + ": its JSON is not UTF-8 text; the file is damaged, fetch it again",
                    e);
        } catch (StreamConstraintsException e) {
            throw new CheckpointException(
                    "%s: its JSON holds a number, a name or a text that is too long, or is nested too deep%s; the file is damaged, fetch it again"
                            .formatted(file, position(e)),
                    e);
        } catch (JacksonException e) {
            throw new CheckpointException("%s: its JSON is broken%s (%s); the file is damaged, fetch it again"
                    .formatted(file, position(e), Shown.of(firstLine(e.getOriginalMessage()))), e);
        }
    }

    private static String text(byte[] bytes) throws CharacterCodingException {
        String text = new String(bytes, StandardCharsets.UTF_8);
        // What cannot be decoded becomes U+FFFD, which may stand there itself. The strict decoder takes much more memory.
        return text.indexOf('\ufffd') < 0
                ? text
                : StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    }

    /** The text of a JSON value: two spaces of indentation and a line feed at the end. */
    static String print(JsonNode node) {
        DefaultIndenter lines = new DefaultIndenter("  ", "\n");
        Separators separators = Separators.createDefaultInstance()
                .withObjectNameValueSpacing(Separators.Spacing.AFTER).withObjectEmptySeparator("")
                .withArrayEmptySeparator("");
        DefaultPrettyPrinter layout = new DefaultPrettyPrinter(separators).withObjectIndenter(lines)
                .withArrayIndenter(lines);
        StringWriter text = new StringWriter();
        MAPPER.writer().with(layout).writeValue(text, node);
        return text.append('\n').toString();
    }

    /** The text of a JSON value without any white space. */
    static String printCompact(JsonNode node) {
        return MAPPER.writeValueAsString(node);
    }

    private void document(Predicate<String> known, BiConsumer<String, JsonNode> entry) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw new CheckpointException(
                    file + ": a JSON object {...} is expected; the file is damaged, fetch it again");
        }
        object(known, entry);
        if (parser.nextToken() != null) {
            throw new CheckpointException(
                    file + ": text follows after the JSON object; the file is damaged, fetch it again");
        }
    }

    private void object(Predicate<String> known, BiConsumer<String, JsonNode> entry) {
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = Objects.requireNonNull(parser.currentName());
            if (known.test(key)) {
                throw new CheckpointException(
                        "%s: '%s' is given twice; the file is damaged, fetch it again".formatted(file,
                                Shown.of(path())));
            }
            parser.nextToken();
            entry.accept(key, value());
        }
    }

    private JsonNode value() {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        values++;
        if (values > Limits.JSON_VALUES) {
            throw new CheckpointException("%s: its JSON holds more than %s values; the file is damaged, fetch it again"
                    .formatted(file, Limits.JSON_VALUES));
        }
        return switch (parser.currentToken()) {
            case START_OBJECT -> {
                ObjectNode object = nodes.objectNode();
                object(object::has, object::set);
                yield object;
            }
            case START_ARRAY -> {
                var array = nodes.arrayNode();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    array.add(value());
                }
                yield array;
            }
            case VALUE_STRING -> nodes.stringNode(parser.getString());
            case VALUE_NUMBER_INT -> switch (parser.getNumberType()) {
                case INT -> nodes.numberNode(parser.getIntValue());
                case LONG -> nodes.numberNode(parser.getLongValue());
                default -> nodes.numberNode(parser.getBigIntegerValue());
            };
            case VALUE_NUMBER_FLOAT -> new DecimalNode(fraction(parser.getString()));
            case VALUE_TRUE -> nodes.booleanNode(true);
            case VALUE_FALSE -> nodes.booleanNode(false);
            case VALUE_NULL -> nodes.nullNode();
            case END_OBJECT, END_ARRAY, PROPERTY_NAME, VALUE_EMBEDDED_OBJECT, NOT_AVAILABLE ->
                throw new IllegalStateException("no JSON value begins with " + parser.currentToken());
        };
    }

    private BigDecimal fraction(String literal) {
        try {
            if (Double.isFinite(Double.parseDouble(literal))) {
                return new LiteralDecimal(literal);
            }
        } catch (NumberFormatException _) {
            // an exponent of more than 32 bits: refused below
        }
        throw new CheckpointException("%s: '%s' is %s where a finite number is expected; correct the file"
                .formatted(file, Shown.of(path()), Shown.of(literal)));
    }

    /** Where the parser is, for example {@code rope_scaling.long_factor[3]}; made for messages only, since that takes time. */
    private String path() {
        return path(parser.streamReadContext());
    }

    private static String path(TokenStreamContext context) {
        TokenStreamContext parent = context.getParent();
        if (parent == null) {
            return "";
        }
        String above = path(parent);
        return context.inArray()
                ? above + "[" + context.getCurrentIndex() + "]"
                : above + (above.isEmpty() ? "" : ".") + context.currentName();
    }

    private static String position(JacksonException e) {
        TokenStreamLocation at = e.getLocation();
        return at == null ? "" : " at line %s, column %s".formatted(at.getLineNr(), at.getColumnNr());
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("");
    }

    /** A number that prints as it was written. */
    private static final class LiteralDecimal extends BigDecimal {
        private static final long serialVersionUID = 1L;

        private final String literal;

        LiteralDecimal(String literal) {
            super(literal);
            this.literal = literal;
        }

        @Override
        public String toString() {
            return literal;
        }
    }
}
