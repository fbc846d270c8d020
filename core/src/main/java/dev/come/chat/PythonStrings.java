package dev.come.chat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

/** What texts do in Python. */
final class PythonStrings {
    private PythonStrings() {
    }

    /** Whether {@code str.isspace} holds. */
    static boolean isSpace(int character) {
        return Character.isWhitespace(character) || character == 0x85 || character == 0xA0 || character == 0x2007
                || character == 0x202F;
    }

    static String rstrip(String text) {
        return strip(text, PythonStrings::isSpace, false, true);
    }

    /** Takes characters away that are in a set. */
    static String strip(String text, IntPredicate gone, boolean left, boolean right) {
        int[] points = text.codePoints().toArray();
        int from = 0;
        int to = points.length;
        while (left && from < to && gone.test(points[from])) {
            from++;
        }
        while (right && to > from && gone.test(points[to - 1])) {
            to--;
        }
        return new String(points, from, to - from);
    }

    /** {@code str.split(separator)}. */
    static List<Object> split(String text, String separator) {
        if (separator.isEmpty()) {
            throw new UnknownTemplateException("splits a text at nothing");
        }
        List<Object> parts = new ArrayList<>();
        int from = 0;
        for (int at = text.indexOf(separator); at >= 0; at = text.indexOf(separator, from)) {
            parts.add(text.substring(from, at));
            from = at + separator.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    /** {@code str.split()}. */
    static List<Object> words(String text) {
        List<Object> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        text.codePoints().forEach(point -> {
            if (!isSpace(point)) {
                word.appendCodePoint(point);
            } else if (!word.isEmpty()) {
                words.add(word.toString());
                word.setLength(0);
            }
        });
        if (!word.isEmpty()) {
            words.add(word.toString());
        }
        return words;
    }

    static List<Object> characters(String text) {
        return new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
    }

    static String joined(List<?> characters) {
        return String.join("", Arrays.asList(characters.stream().map(String::valueOf).toArray(String[]::new)));
    }
}
