package dev.come.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoriesTests {
    private static final int UNKNOWN = 0;

    @TempDir
    private Path folder;

    private static String text(long seed, int stories) {
        return new Stories(new SplittableRandom(seed)).text(stories);
    }

    private Tokenizer tokenizer() throws IOException {
        for (Map.Entry<String, String> file : StoryTokenizer.files(128).entrySet()) {
            Files.writeString(folder.resolve(file.getKey()), file.getValue());
        }
        return Tokenizer.open(folder);
    }

    @Test
    void theSameSeedTellsTheSameStories() {
        assertThat(text(5, 20)).isEqualTo(text(5, 20)).isNotEqualTo(text(6, 20));
        assertThat(DemoModel.calibrationText()).isNotEqualTo(DemoModel.testText());
    }

    @Test
    void aStoryIsOneLineOfSentences() {
        assertThat(text(7, 500).lines()).hasSize(500).allSatisfy(story -> assertThat(story)
                .matches("[A-Z]\\w* is a \\w+(, \\w+ is a \\w+)* and \\w+ is a \\w+\\.( [A-Z][\\w ,:]*[.?])+"));
    }

    private static long different(String story, String words) {
        return Pattern.compile("\\b(" + words + ")s?\\b").matcher(story).results().map(word -> word.group(1)).distinct()
                .count();
    }

    @Test
    void aStoryKeepsToItsPeopleAndThings() {
        assertThat(text(11, 500).lines()).allSatisfy(story -> {
            assertThat(different(story, "Anna|Clara|Emma|Julia|Laura|Sarah|Adam|Ben|David|Oscar|Peter|Tom"))
                    .isEqualTo(3);
            assertThat(different(story, "apple|ball|book|coin|cup|key|lamp|shell")).isLessThanOrEqualTo(3);
            assertThat(different(story, "barn|forest|garden|harbour|kitchen|market|school|tower"))
                    .isLessThanOrEqualTo(3);
            assertThat(different(story, "bird|cat|cow|dog|duck|horse")).isLessThanOrEqualTo(2);
        });
    }

    @Test
    void whatIsHiddenIsFoundWhereItsContainerIs() {
        Matcher told = Pattern
                .compile("The (\\w+) is in the (\\w+) and the (\\w+) is in the (\\w+)\\. The (\\w+) is in the (\\w+)"
                        + " and the (\\w+) is in the (\\w+)\\. So the (\\w+) is in the (\\w+)\\.")
                .matcher(text(12, 500));
        assertThat(told.results()).hasSizeGreaterThan(100).allSatisfy(found -> {
            String container = found.group(9).equals(found.group(1)) ? found.group(2) : found.group(4);
            assertThat(found.group(10)).isEqualTo(container.equals(found.group(5)) ? found.group(6) : found.group(8));
        });
    }

    @Test
    void additionsCountingAndSortingAreRight() {
        String text = text(8, 2000);
        assertThat(text).contains("counts from three to six: three, four, five, six.",
                "counts from six to four: six, five, four.", "sorts nine, one, two: one, two, nine.");
        assertThat(text).doesNotContain("one apples", "two apple.", "has zero", "loses zero", "thirteen");
    }

    @Test
    void everyStoryIsEncodedWithoutUnknownTokensAndDecodedAsItWas() throws IOException {
        try (Tokenizer tokenizer = tokenizer()) {
            String text = text(9, 1000);
            int[] ids = tokenizer.encode(text);
            assertThat(ids[0]).isEqualTo(StoryTokenizer.BEGIN_OF_TEXT);
            assertThat(ids).doesNotContain(UNKNOWN);
            assertThat(Arrays.stream(ids).filter(id -> id == StoryTokenizer.END_OF_TEXT)).hasSize(1000);
            assertThat(tokenizer.decode(Arrays.copyOfRange(ids, 1, ids.length))).isEqualTo(text);
        }
    }

    @Test
    void everyTokenOfTheVocabularyOccurs() throws IOException {
        try (Tokenizer tokenizer = tokenizer()) {
            Set<Integer> seen = Arrays.stream(tokenizer.encode(text(10, 1000))).boxed().collect(Collectors.toSet());
            assertThat(seen).hasSize(StoryTokenizer.vocabularySize() - 1);
            assertThat(tokenizer.vocabularySize()).isEqualTo(StoryTokenizer.vocabularySize());
        }
    }

    @Test
    void blankLinesBetweenStoriesAreOneEndOfText() throws IOException {
        try (Tokenizer tokenizer = tokenizer()) {
            assertThat(tokenizer.encode("Anna is old. \n\n Ben is old.\n"))
                    .isEqualTo(tokenizer.encode("Anna is old.\nBen is old.\n"));
        }
    }
}
