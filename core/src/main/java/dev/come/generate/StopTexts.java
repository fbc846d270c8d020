package dev.come.generate;

import java.util.List;
import java.util.stream.Stream;

/**
 * The texts that end a generated text.
 *
 * @param texts in the order in which they are looked for
 */
public record StopTexts(List<String> texts) {
    /** None is empty, and none is there twice. */
    public StopTexts {
        texts = texts.stream().filter(text -> !text.isEmpty()).distinct().toList();
    }

    /** With one more, such as that of the token that ends a text. */
    public StopTexts and(String more) {
        return new StopTexts(Stream.concat(texts.stream(), Stream.of(more)).toList());
    }

    /** Whether one is in a text. */
    public boolean isIn(String text) {
        return texts.stream().anyMatch(text::contains);
    }

    /** What is before all of them: cut at the first place of each in turn. */
    public String cut(String text) {
        String cut = text;
        for (String stop : texts) {
            int at = cut.indexOf(stop);
            cut = at < 0 ? cut : cut.substring(0, at);
        }
        return cut;
    }
}
