package dev.come.text;

import dev.come.vocabulary.ByteLevelVocabulary;
import dev.come.vocabulary.PreTokenizer;
import dev.come.vocabulary.SurroundingTokens;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A byte-level tokenizer with a few merges, and the way of a family to divide texts into words. */
final class ByteLevelFixture {
    private static final List<String> WORDS = List.of(" the", " word", "Word", "'s", "'ll", " I", "\n\n", "\r\n", "   ",
            "12", " 3", "...", " na\u00efve", " \u0441\u043b\u043e\u0432\u043e", "\u6f22\u5b57", "\u3002\n", ".\n",
            "return", "DON");

    private ByteLevelFixture() {
    }

    /** The text of a tokenizer.json. */
    static String json(Path folder, String preTokenizer) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (int value = 0; value < 256; value++) {
            ids.put(ByteLetters.letter(value), value);
        }
        Set<String> merges = new LinkedHashSet<>();
        for (String word : WORDS) {
            List<String> letters = ByteLetters.of(word);
            String made = letters.getFirst();
            for (String letter : letters.subList(1, letters.size())) {
                merges.add(made + " " + letter);
                made += letter;
                ids.putIfAbsent(made, ids.size());
            }
        }
        return new ByteLevelVocabulary(folder, ids, List.copyOf(merges), PreTokenizer.named(preTokenizer).orElseThrow(),
                false, false).tokenizerJson(new SurroundingTokens(List.of(), Optional.empty(), Optional.empty()));
    }
}
