package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Golden;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextsCacheTests {
    private static final int NEW_TOKENS = 5;

    @ParameterizedTest
    @ValueSource(strings = {"llama-gqa", "llama-mqa", "mistral-gqa", "opt", "qwen3"})
    void textsOfDifferentLengthsSideBySideGiveWhatEachGivesAlone(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name));
                CausalLanguageModel model = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                        TestDevice.float32(2))) {
            int vocabulary = ModelConfig.of(checkpoint).vocabularySize();
            Random random = new Random(7);
            int[] beginning = random.ints(6, 3, vocabulary).toArray();
            List<int[]> texts = new ArrayList<>();
            int[] lengths = {9, 40, 7, 23};
            for (int length : lengths) {
                int[] text = random.ints(length + NEW_TOKENS, 3, vocabulary).toArray();
                System.arraycopy(beginning, 0, text, 0, beginning.length);
                texts.add(text);
            }
            try (KeyValueCache first = model.cache(beginning.length);
                    TextsCache cache = model.texts(texts.size(), 40 + NEW_TOKENS)) {
                model.nextTokenLogits(beginning, first);
                cache.begin(texts.size(), first);
                int[] likeliest = model.nextAfter(range(texts, beginning.length, lengths), cache, NextTokens.LIKELIEST);
                List<int[]> going = new ArrayList<>(texts);
                int[] at = lengths.clone();
                for (int next = 0; next < NEW_TOKENS; next++) {
                    for (int i = 0; i < going.size(); i++) {
                        requireLikeliest(model, Arrays.copyOf(going.get(i), at[i]), likeliest[i]);
                    }
                    if (next == 1) { // the first ends, and the last takes its place
                        cache.end(0);
                        going.set(0, going.removeLast());
                        at[0] = at[going.size()];
                    }
                    int[] tokens = new int[going.size()];
                    for (int i = 0; i < tokens.length; i++) {
                        tokens[i] = going.get(i)[at[i]++];
                    }
                    likeliest = model.nextAfter(tokens, cache, NextTokens.LIKELIEST);
                }
                assertThat(cache.lengths()).containsExactly(23 + NEW_TOKENS, 40 + NEW_TOKENS, 7 + NEW_TOKENS);
            }
        }
    }

    private static int[][] range(List<int[]> texts, int from, int[] to) {
        int[][] parts = new int[to.length][];
        for (int i = 0; i < to.length; i++) {
            parts[i] = Arrays.copyOfRange(texts.get(i), from, to[i]);
        }
        return parts;
    }

    private static void requireLikeliest(CausalLanguageModel model, int[] text, int token) {
        float[] alone = model.logits(text)[text.length - 1];
        for (float logit : alone) {
            assertThat(logit).isLessThan(alone[token] + 1e-4f);
        }
    }
}
