package dev.come.evaluate;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Reads Python literals: lists, dicts, texts, numbers, True, False and None. They look like JSON and are not. */
final class PythonLiteral {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    /** So many lists and dicts may lie in each other; Python's own parser stops at about 100 too. */
    private static final int DEEPEST = 100;

    private final String text;
    private int next;
    private int depth;

    private PythonLiteral(String text) {
        this.text = text;
    }

    /**
     * Reads one literal.
     *
     * @throws IllegalArgumentException if the text is something else; the message says where
     */
    static JsonNode parse(String text) {
        PythonLiteral literal = new PythonLiteral(text);
        JsonNode value = literal.value();
        literal.skipBlanks();
        if (literal.next < text.length()) {
            throw literal.unexpected("the end");
        }
        return value;
    }

    private JsonNode value() {
        char first = peek();
        if (++depth > DEEPEST) {
            throw unexpected("at most " + DEEPEST + " lists in each other");
        }
        JsonNode value = switch (first) {
            case '[' -> list(']');
            case '(' -> list(')');
            case '{' -> dict();
            case '\'', '"' -> JSON.stringNode(string());
            default -> word();
        };
        depth--;
        return value;
    }

    private ArrayNode list(char end) {
        ArrayNode list = JSON.arrayNode();
        next++;
        while (peek() != end) {
            list.add(value());
            if (peek() != end) {
                expect(',');
            }
        }
        next++;
        return list;
    }

    private ObjectNode dict() {
        ObjectNode dict = JSON.objectNode();
        next++;
        while (peek() != '}') {
            JsonNode key = value();
            expect(':');
            dict.set(key.asString(), value());
            if (peek() != '}') {
                expect(',');
            }
        }
        next++;
        return dict;
    }

    private String string() {
        char quote = text.charAt(next++);
        StringBuilder result = new StringBuilder();
        while (true) {
            if (next >= text.length()) {
                throw unexpected("a closing " + quote);
            }
            char c = text.charAt(next++);
            if (c == quote) {
                return result.toString();
            }
            if (c == '\\') {
                escape(result);
            } else {
                result.append(c);
            }
        }
    }

    private void escape(StringBuilder result) {
        if (next >= text.length()) {
            throw unexpected("a character after the backslash");
        }
        char c = text.charAt(next++);
        switch (c) {
            case 'n' -> result.append('\n');
            case 't' -> result.append('\t');
            case 'r' -> result.append('\r');
            case 'b' -> result.append('\b');
            case 'f' -> result.append('\f');
            case 'v' -> result.append('\u000B');
            case 'a' -> result.append('\u0007');
            case '\n' -> {
                // a line that goes on
            }
            case '\\', '\'', '"' -> result.append(c);
            case 'x' -> result.appendCodePoint(digits(2, 16));
            case 'u' -> result.appendCodePoint(digits(4, 16));
            case 'U' -> result.appendCodePoint(digits(8, 16));
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                int start = --next;
                while (next < text.length() && next < start + 3 && Character.digit(text.charAt(next), 8) >= 0) {
                    next++;
                }
                result.appendCodePoint(Integer.parseInt(text.substring(start, next), 8));
            }
            default -> result.append('\\').append(c); // as Python keeps an escape that it does not know
        }
    }

    private int digits(int count, int radix) {
        if (next + count > text.length()) {
            throw unexpected(count + " digits");
        }
        try {
            int value = Integer.parseInt(text, next, next + count, radix);
            next += count;
            return value;
        } catch (NumberFormatException e) {
            throw unexpected(count + " digits");
        }
    }

    private JsonNode word() {
        int start = next;
        while (next < text.length()
                && (Character.isLetterOrDigit(text.charAt(next)) || "+-._".indexOf(text.charAt(next)) >= 0)) {
            next++;
        }
        String word = text.substring(start, next);
        switch (word) {
            case "None" -> {
                return JSON.nullNode();
            }
            case "True" -> {
                return JSON.booleanNode(true);
            }
            case "False" -> {
                return JSON.booleanNode(false);
            }
            default -> {
                try {
                    return word.matches("[+-]?\\d+")
                            ? JSON.numberNode(Long.parseLong(word))
                            : JSON.numberNode(Double.parseDouble(word));
                } catch (NumberFormatException e) {
                    next = start;
                    throw unexpected("a value");
                }
            }
        }
    }

    private void expect(char c) {
        if (peek() != c) {
            throw unexpected("'" + c + "'");
        }
        next++;
    }

    /** The next character that is no blank. */
    private char peek() {
        skipBlanks();
        if (next >= text.length()) {
            throw unexpected("more");
        }
        return text.charAt(next);
    }

    private void skipBlanks() {
        while (next < text.length() && PythonText.isBlank(text.charAt(next))) {
            next++;
        }
    }

    private IllegalArgumentException unexpected(String expected) {
        return new IllegalArgumentException("character " + next + ": " + expected + " was expected, found "
                + (next < text.length()
                        ? "\"" + text.substring(next, Math.min(text.length(), next + 10)) + "\""
                        : "the end"));
    }
}
