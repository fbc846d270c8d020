package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.checkpoint.CheckpointException;
import dev.come.vocabulary.ByteLevelVocabulary;
import dev.come.vocabulary.CharacterPairs;
import dev.come.vocabulary.PreTokenizer;
import dev.come.vocabulary.SurroundingTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Where words end. The expected words were read off the expressions by hand; the vocabulary of each case has a token for every
 * expected word and also one for every two neighbours, which comes out if they are not held apart.
 */
class PreTokenizerTests {
    @TempDir
    private Path folder;

    /** The marks of deepseek-llm include the letters from a to z, which are held apart from others so. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '"', value = {
        "gpt-2; I'm  12345, is it?\\n\\nYES; I|'m| | 12345|,| is| it|?|\\n|\\n|YES",
        "smollm; a 12  3; a| |1|2|  |3", "smollm; x½ y; x|½| y",
        "llama-bpe; I'M 12345!\\n\\n x\\ty.z; I|'M| |123|45|!\\n\\n| x|\\ty|.z",
        "llama3; don't  stop; don|'t| | stop", "dbrx; 1234 (ab)\\n; 123|4| (|ab|)\\n",
        "qwen2; I'LL 123 ab\\r\\n  c; I|'LL| |1|2|3| ab|\\r\\n| | c",
        "tekken; helloWorld HTTPServer 12 a//b; hello|World| HTTPServer| |1|2| a|//|b",
        "tekken; don't éÀ; don|'t| é|À", "default; a,b 12345 it's; a|,|b| |123|45| it|'|s",
        "deepseek-r1-qwen; Übung 7; Übung| |7", "qwen35; e\u0301x 12!; e\u0301x| |1|2|!",
        "qwen2; e\u0301x; e|\u0301x",
        "gpt-4o; I'm HTTPServer's 1234 a//b; I'm| HTTPServer's| |123|4| a|//|b",
        "deepseek-llm; Öß ja, 123。\\n\\n漢字; Öß| ja|,| |123|。|\\n|\\n|漢字", "deepseek-llm; Äh; Ä|h",
        "deepseek-coder; ab ж. 12\\n; ab| ж|.| |1|2|\\n", "falcon; a`b 1234 it's; a|`|b| |123|4| it|'|s"})
    void wordsEndWhereTheExpressionSaysSo(String name, String text, String words) throws IOException {
        List<String> expected = List.of(spelt(words).split("\\|"));
        PreTokenizer preTokenizer = PreTokenizer.named(name).orElseThrow();
        assertThat(String.join("", expected)).isEqualTo(spelt(text));
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (int value = 0; value < 256; value++) {
            ids.put(ByteLetters.letter(value), value);
        }
        Set<String> merges = new LinkedHashSet<>();
        expected.forEach(word -> join(ByteLetters.of(word), ids, merges));
        for (int i = 1; i < expected.size(); i++) {
            join(List.of(String.join("", ByteLetters.of(expected.get(i - 1))),
                    String.join("", ByteLetters.of(expected.get(i)))), ids,
                    merges);
        }
        Files.writeString(folder.resolve("tokenizer.json"),
                new ByteLevelVocabulary(folder, ids, List.copyOf(merges), preTokenizer, false, false)
                        .tokenizerJson(new SurroundingTokens(List.of(), Optional.empty(), Optional.empty())));
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            List<String> got = new ArrayList<>();
            for (int id : tokenizer.encode(spelt(text))) {
                got.add(tokenizer.decode(new int[]{id}));
            }
            assertThat(got).isEqualTo(expected);
        }
    }

    /**
     * Gemma 4: a blank is a character of a word, line ends are words, and what no piece covers is bytes. "a" and the blank are
     * put together before the blank and "b" would be.
     */
    @Test
    void characterPairs() throws IOException {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (String piece : List.of("<unk>", "\u2581", "a", "b", "\n", "a\u2581", "\u2581b", "\n\n", "<0xC3>",
                "<0xA9>")) {
            ids.put(piece, ids.size());
        }
        Files.writeString(folder.resolve("tokenizer.json"),
                new CharacterPairs(folder, ids, List.of("a \u2581", "\u2581 b", "\n \n"), "<unk>")
                        .tokenizerJson(new SurroundingTokens(List.of(), Optional.empty(), Optional.empty())));
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertThat(tokenizer.encode("a b b\n\n\n\u00e9")).containsExactly(5, 3, 6, 7, 4, 8, 9);
            assertThat(tokenizer.decode(new int[]{5, 3, 6, 7, 4, 8, 9})).isEqualTo("a b b\n\n\n\u00e9");
        }
        assertThatThrownBy(() -> new CharacterPairs(folder, ids, List.of("a b"), "<unk>"))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("merge 1 is 'a b'");
    }

    @Test
    void noNameMeansTwoThings() {
        List<String> names = List.of(PreTokenizer.known().split(", "));
        assertThat(names).doesNotHaveDuplicates().contains("llama-bpe", "qwen2", "smollm", "gpt-2", "default");
        assertThat(PreTokenizer.named("nothing")).isEmpty();
    }

    /** Adds a token for what the parts make, and the merges that lead to it from the left. */
    private static void join(List<String> parts, Map<String, Integer> ids, Set<String> merges) {
        String made = parts.getFirst();
        for (String part : parts.subList(1, parts.size())) {
            merges.add(made + " " + part);
            made += part;
            ids.putIfAbsent(made, ids.size());
        }
    }

    private static String spelt(String text) {
        return text.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t");
    }
}
