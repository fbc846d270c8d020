package dev.come.checkpoint;

import java.util.Collection;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Values that files give, as messages show them. A value may have any length and hold anything; of a long one only the beginning
 * is shown, and what a terminal would take for a command is written as its number.
 */
public final class Shown {
    private static final int LENGTH = 100;
    private static final String MORE = "...";

    private Shown() {
    }

    /** The beginning of a text, in one line. */
    public static String of(String text) {
        boolean whole = text.length() <= LENGTH;
        int end = whole ? text.length() : LENGTH;
        if (!whole && Character.isHighSurrogate(text.charAt(end - 1))) {
            end--;
        }
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < end; i++) {
            char character = text.charAt(i);
            shown.append(
                    isPrinted(character) ? "" + character : String.format(Locale.ROOT, "\\u%04x", (int) character));
        }
        return whole ? shown.toString() : shown + MORE;
    }

    private static boolean isPrinted(char character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }

    /** The first values of a list. */
    public static String of(Collection<?> values) {
        StringBuilder shown = new StringBuilder("[");
        for (Object value : values) {
            shown.append(shown.length() > 1 ? ", " : "");
            if (shown.length() > LENGTH) {
                return shown + MORE + " (" + values.size() + " in all)]";
            }
            shown.append(of(value.toString()));
        }
        return shown.append(']').toString();
    }

    /** The beginning of a value's text; nothing of what is not there. */
    public static String of(JsonNode value) {
        StringBuilder text = new StringBuilder();
        show(value, text);
        return text.length() <= LENGTH ? text.toString() : text.substring(0, LENGTH) + MORE;
    }

    private static void show(JsonNode node, StringBuilder text) {
        if (node.isMissingNode()) {
            return;
        }
        if (!node.isContainer()) {
            text.append(node.isString() && node.stringValue().length() > LENGTH
                    ? '"' + of(node.stringValue())
                    : Json.printCompact(node));
            return;
        }
        text.append(node.isArray() ? '[' : '{');
        int start = text.length();
        Iterator<Map.Entry<String, JsonNode>> entries = node.properties().iterator();
        Iterator<JsonNode> elements = node.valueStream().iterator();
        while (elements.hasNext() && text.length() <= LENGTH) {
            text.append(text.length() > start ? "," : "");
            if (entries.hasNext()) {
                text.append('"').append(of(entries.next().getKey())).append("\":");
            }
            show(elements.next(), text);
        }
        text.append(node.isArray() ? ']' : '}');
    }
}
