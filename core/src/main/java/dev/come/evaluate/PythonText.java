package dev.come.evaluate;

import java.util.Locale;

/** What Python does with texts where Java does something else. */
final class PythonText {
    /** Blanks as a class of a regular expression; Java knows fewer of them. */
    static final String BLANK = "[\\x09-\\x0d\\x1c-\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}]";

    private PythonText() {
    }

    /** {@code str.isspace} of one character. */
    static boolean isBlank(int codePoint) {
        return codePoint >= 0x09 && codePoint <= 0x0D || codePoint >= 0x1C && codePoint <= 0x20 || codePoint == 0x85
                || codePoint == 0xA0 || codePoint == 0x1680 || codePoint >= 0x2000 && codePoint <= 0x200A
                || codePoint == 0x2028 || codePoint == 0x2029 || codePoint == 0x202F || codePoint == 0x205F
                || codePoint == 0x3000;
    }

    /** {@code str.lstrip}. */
    static String stripLeft(String text) {
        int start = 0;
        while (start < text.length() && isBlank(text.charAt(start))) { // all blanks are single chars
            start++;
        }
        return text.substring(start);
    }

    /** {@code str.rstrip}. */
    static String stripRight(String text) {
        int end = text.length();
        while (end > 0 && isBlank(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    /** {@code str.strip}. */
    static String strip(String text) {
        return stripLeft(stripRight(text));
    }

    /** {@code len(re.split(r"\s+", text))}: the pieces between blanks; those before a first and after a last blank count. */
    static int pieces(String text) {
        int pieces = 1;
        for (int i = 0; i < text.length(); i++) {
            if (isBlank(text.charAt(i)) && (i == 0 || !isBlank(text.charAt(i - 1)))) {
                pieces++;
            }
        }
        return pieces;
    }

    /** {@code len}: characters, however many chars of Java they take. */
    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** {@code str.capitalize}: the first character in title case and <em>all others in lower case</em>. */
    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        String first = text.substring(0, text.offsetByCodePoints(0, 1));
        // As a whole: a sigma at the end of a word depends on what is before it.
        String lower = text.toLowerCase(Locale.ROOT);
        return titleCase(first) + lower.substring(first.toLowerCase(Locale.ROOT).length());
    }

    /** The full title case of one character, which may be several, as in the Unicode file SpecialCasing.txt. */
    private static String titleCase(String character) {
        int codePoint = character.codePointAt(0);
        String upper = character.toUpperCase(Locale.ROOT);
        int title = Character.toTitleCase(codePoint);
        if (title != codePoint || length(upper) == 1) {
            return Character.toString(title);
        }
        int letter = 0;
        while (letter < upper.length() && !Character.isUpperCase(upper.charAt(letter))) {
            letter++;
        }
        int rest = Math.min(letter + 1, upper.length());
        // An iota that was below the letter stays there.
        return upper.substring(0, rest)
                + upper.substring(rest).replace('\u0399', '\u0345').toLowerCase(Locale.ROOT);
    }
}
