package dev.come.vocabulary;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/** Finds tokens where a text spells them out, as the tokenizers library does: from the left, the longest that begins there. */
final class AddedTokenSearch {
    private static final Pattern WORD = Pattern.compile("\\w", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern BLANK = Pattern.compile("\\s", Pattern.UNICODE_CHARACTER_CLASS);

    private final Map<Character, List<AddedToken>> byFirst = new HashMap<>();

    AddedTokenSearch(List<AddedToken> tokens) {
        tokens.stream().filter(token -> !token.content().isEmpty())
                .sorted(Comparator.comparingInt((AddedToken token) -> token.content().length()).reversed())
                .forEach(token -> byFirst.computeIfAbsent(token.content().charAt(0), _ -> new ArrayList<>())
                        .add(token));
    }

    /** The token that begins at a place. */
    Optional<AddedToken> at(String text, int place) {
        return byFirst.getOrDefault(text.charAt(place), List.of()).stream()
                .filter(token -> text.startsWith(token.content(), place)).findFirst();
    }

    /** Takes a part of a text that begins at a place of the whole. */
    interface Between {
        void accept(String text, int place);
    }

    /**
     * Divides a text.
     *
     * @param between is given what stands between two tokens
     * @param token is given the tokens
     */
    void split(String text, Between between, Consumer<AddedToken> token) {
        int given = 0;
        int place = 0;
        while (place < text.length()) {
            Optional<AddedToken> found = at(text, place);
            if (found.isEmpty()) {
                place++;
                continue;
            }
            AddedToken added = found.get();
            int start = place;
            int end = place + added.content().length();
            place = end;
            if (added.singleWord() && isInWord(text, start, end)) {
                continue;
            }
            while (added.leftStrip() && start > given && isBlank(text.charAt(start - 1))) {
                start--;
            }
            while (added.rightStrip() && end < text.length() && isBlank(text.charAt(end))) {
                end++;
            }
            if (start > given) {
                between.accept(text.substring(given, start), given);
            }
            token.accept(added);
            given = end;
            place = end;
        }
        if (given < text.length()) {
            between.accept(text.substring(given), given);
        }
    }

    private static boolean isInWord(String text, int start, int end) {
        return (start > 0 && isOfWord(text.codePointBefore(start)))
                || (end < text.length() && isOfWord(text.codePointAt(end)));
    }

    private static boolean isOfWord(int character) {
        return WORD.matcher(Character.toString(character)).matches();
    }

    private static boolean isBlank(char character) {
        return BLANK.matcher(Character.toString(character)).matches();
    }
}
