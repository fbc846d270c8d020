package dev.come.evaluate;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Whether an answer is that of a document.
 *
 * @param ignoreCase whether upper case counts as lower case
 * @param ignorePunctuation whether signs of ASCII that are neither letters, digits nor blanks are left out
 * @param ignored what is left out first, one after the other
 */
record ExactMatch(boolean ignoreCase, boolean ignorePunctuation, List<Pattern> ignored) {
    private static final Pattern PUNCTUATION = Pattern.compile("\\p{Punct}");

    ExactMatch {
        ignored = List.copyOf(ignored);
    }

    /** Whether an answer equals one of several. */
    boolean matches(String answer, List<String> right) {
        String plain = plain(answer);
        return right.stream().anyMatch(one -> plain(one).equals(plain));
    }

    private String plain(String text) {
        String plain = text;
        for (Pattern pattern : ignored) {
            plain = pattern.matcher(plain).replaceAll("");
        }
        plain = ignoreCase ? plain.toLowerCase(Locale.ROOT) : plain;
        return ignorePunctuation ? PUNCTUATION.matcher(plain).replaceAll("") : plain;
    }
}
