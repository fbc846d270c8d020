package dev.come.vocabulary;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The vocabulary of a tokenizer, without added tokens.
 *
 * @param ids id by token
 * @param size how many tokens it has; Unigram models may have some twice
 */
record Vocabulary(Map<String, Integer> ids, int size) {
    /** That of the text of a tokenizer.json. */
    static Vocabulary of(Path file, String json) {
        Map<String, Integer> ids = new HashMap<>();
        int size = TokenizerText.read(file, json, ids::put).path("model").path("vocab").asInt(0);
        return new Vocabulary(ids, size);
    }
}
