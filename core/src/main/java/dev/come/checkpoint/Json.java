package dev.come.checkpoint;

import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamLocation;
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
 * JSON as Python's {@code json} module writes it for Hugging Face, read so that it can be written again unchanged: keys
 * keep their order and fractions their digits ({@code 1e-05} stays {@code 1e-05}). What Python tolerates but JSON does
 * not say clearly (a key given twice, NaN, Infinity) is refused.
 */
final class Json {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            // Read NaN as a token, so that the message can name its key.
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            // Python's habits: \u00e9 for é, and no backslash before a slash.
            .enable(JsonWriteFeature.ESCAPE_NON_ASCII).disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE)
            .disable(JsonWriteFeature.ESCAPE_FORWARD_SLASHES).build();
    private static final JsonMapper MAPPER = new JsonMapper(FACTORY);

    private final Path file;
    private final JsonParser parser;

    private Json(Path file, JsonParser parser) {
        this.file = file;
        this.parser = parser;
    }

    /**
     * The JSON object that the file holds.
     *
     * @throws CheckpointException when the file cannot be read or holds something else
     */
    static ObjectNode read(Path file) {
        try {
            return parse(Files.readAllBytes(file), file);
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
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
                return new Json(file, parser).document();
            }
        } catch (CharacterCodingException e) {
            throw new CheckpointException(file + ": its JSON is not UTF-8 text; the file is damaged, fetch it again",
                    e);
        } catch (JacksonException e) {
            throw new CheckpointException("%s: its JSON is broken%s (%s); the file is damaged, fetch it again"
                    .formatted(file, position(e), firstLine(e.getOriginalMessage())), e);
        }
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

    private ObjectNode document() {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw new CheckpointException(
                    file + ": a JSON object {...} is expected; the file is damaged, fetch it again");
        }
        ObjectNode root = object("");
        if (parser.nextToken() != null) {
            throw new CheckpointException(
                    file + ": text follows after the JSON object; the file is damaged, fetch it again");
        }
        return root;
    }

    private ObjectNode object(String path) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = Objects.requireNonNull(parser.currentName());
            if (object.has(key)) {
                throw new CheckpointException(
                        "%s: '%s' is given twice; the file is damaged, fetch it again".formatted(file, path + key));
            }
            parser.nextToken();
            object.set(key, value(path + key));
        }
        return object;
    }

    private JsonNode value(String path) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        return switch (parser.currentToken()) {
            case START_OBJECT -> object(path + ".");
            case START_ARRAY -> {
                var array = nodes.arrayNode();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    array.add(value("%s[%d]".formatted(path, array.size())));
                }
                yield array;
            }
            case VALUE_STRING -> nodes.stringNode(parser.getString());
            case VALUE_NUMBER_INT -> switch (parser.getNumberType()) {
                case INT -> nodes.numberNode(parser.getIntValue());
                case LONG -> nodes.numberNode(parser.getLongValue());
                default -> nodes.numberNode(parser.getBigIntegerValue());
            };
            case VALUE_NUMBER_FLOAT -> new DecimalNode(fraction(path, parser.getString()));
            case VALUE_TRUE -> nodes.booleanNode(true);
            case VALUE_FALSE -> nodes.booleanNode(false);
            case VALUE_NULL -> nodes.nullNode();
            case END_OBJECT, END_ARRAY, PROPERTY_NAME, VALUE_EMBEDDED_OBJECT, NOT_AVAILABLE ->
                throw new IllegalStateException("no JSON value begins with " + parser.currentToken());
        };
    }

    private BigDecimal fraction(String path, String literal) {
        try {
            if (Double.isFinite(Double.parseDouble(literal))) {
                return new LiteralDecimal(literal);
            }
        } catch (NumberFormatException _) {
            // an exponent of more than 32 bits: refused below
        }
        throw new CheckpointException("%s: '%s' is %s where a finite number is expected; correct the file"
                .formatted(file, path, literal));
    }

    private static String position(JacksonException e) {
        TokenStreamLocation at = e.getLocation();
        return at == null ? "" : " at line %d, column %d".formatted(at.getLineNr(), at.getColumnNr());
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
