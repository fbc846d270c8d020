package dev.come.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A step from a generated text to the answer in it. */
sealed interface AnswerFilter {
    /** The answer, or what is closer to it. */
    String apply(String text);

    /** Takes the blanks around it away. */
    record Strip() implements AnswerFilter {
        @Override
        public String apply(String text) {
            return PythonText.strip(text);
        }
    }

    /**
     * Finds what a pattern matches: its group, the first one that is not empty where it has several, or all where it has none.
     *
     * @param match which of the matches counts, from 0; -1 is the last one
     */
    record Extract(Pattern pattern, int match) implements AnswerFilter {
        /** Stands for an answer that was not found. */
        static final String NONE = "[invalid]";

        @Override
        public String apply(String text) {
            List<String> found = new ArrayList<>();
            Matcher matcher = pattern.matcher(text);
            while (matcher.find()) {
                found.add(group(matcher).orElse(NONE));
            }
            int index = match < 0 ? found.size() + match : match;
            return index < 0 || index >= found.size() ? NONE : PythonText.strip(found.get(index));
        }

        private static Optional<String> group(Matcher matcher) {
            if (matcher.groupCount() < 2) { // an only group counts even if it is empty
                String text = matcher.group(matcher.groupCount());
                return Optional.of(text == null ? "" : text);
            }
            for (int group = 1; group <= matcher.groupCount(); group++) {
                String text = matcher.group(group);
                if (text != null && !text.isEmpty()) {
                    return Optional.of(text);
                }
            }
            return Optional.empty();
        }
    }
}
