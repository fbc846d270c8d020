package dev.come.overlap;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.overlap.Overlap.Found;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OverlapTests {
    private static Found found(int words, List<String> test, List<String> others) {
        Overlap overlap = new Overlap(words);
        test.forEach(overlap::test);
        others.forEach(overlap::other);
        return overlap.found();
    }

    @Test
    void runsOfWordsAreFoundWhateverStandsBetweenThem() {
        assertThat(found(3, List.of("The cat sat on the mat.", "No more"), List.of("x THE  CAT, sat! down")))
                .isEqualTo(new Found(3, 4, 1, 1, 1, 1));
        assertThat(found(3, List.of("The cat sat on the mat."), List.of("the cat", "sat on the", "cat the sat")))
                .as("a run lies within one text, and its words in order").isEqualTo(new Found(3, 4, 1, 1, 1, 1));
        assertThat(found(1, List.of("\u00c4rger 42"), List.of("\u00e4rger", "4 2")))
                .isEqualTo(new Found(1, 2, 1, 1, 1, 1));
        assertThat(found(13, List.of(), List.of("a"))).isEqualTo(new Found(13, 0, 0, 0, 0, 0));
    }

    @Test
    void itIsSaidInOneSentence() {
        assertThat(new Found(13, 20_000, 5, 60, 2, 1).inWords("own.jsonl", "wiki2")).isEqualTo(
                "own.jsonl has 5 of the 20,000 runs of 13 words of wiki2 (0.03 %), which lie in 2 of its 60 texts");
    }

    private static List<String> plainRuns(String text, int words) {
        List<String> all = Stream.of(text.toLowerCase(Locale.ROOT).split("[^a-z0-9]+")).filter(word -> !word.isEmpty())
                .toList();
        List<String> runs = new ArrayList<>();
        for (int i = 0; i + words <= all.size(); i++) {
            runs.add(String.join(" ", all.subList(i, i + words)));
        }
        return runs;
    }

    /** The plain twin keeps the runs themselves. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 13})
    void whatIsFoundIsThatOfThePlainTwin(int words) {
        long seed = 27;
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            List<String> test = texts(random);
            List<String> others = new ArrayList<>(texts(random));
            others.add("x " + test.getFirst().toUpperCase(Locale.ROOT) + " y");
            Set<String> inOthers = new HashSet<>();
            others.forEach(text -> inOthers.addAll(plainRuns(text, words)));
            Set<String> inTest = new HashSet<>();
            test.forEach(text -> inTest.addAll(plainRuns(text, words)));
            Set<String> both = new HashSet<>(inTest);
            both.retainAll(inOthers);
            assertThat(found(words, test, others)).as("seed %s, round %s", seed, round)
                    .isEqualTo(new Found(words, inTest.size(), both.size(), having(test, words, inTest),
                            having(test, words, both), having(others, words, both)));
        }
    }

    private static int having(List<String> texts, int words, Set<String> runs) {
        return (int) texts.stream().filter(text -> plainRuns(text, words).stream().anyMatch(runs::contains)).count();
    }

    private static List<String> texts(Random random) {
        return Stream.generate(() -> random.ints(random.nextInt(40), 0, 4)
                .mapToObj(word -> List.of("a", "bb", "Ab", "b1").get(word)
                        + List.of(" ", ", ", "\n", "-").get(random.nextInt(4)))
                .collect(Collectors.joining())).limit(1 + random.nextInt(4)).toList();
    }
}
