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
