package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.OutgrownModel;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Keys that were cached under the angles of a shorter text are of no use in a longer one. The expected tokens are the likeliest
 * ones by transformers 5.24.0, which ran the whole text for each ({@code use_cache=False}).
 */
class CachedRotationTests {
    private static final int[] PROMPT = {17, 100, 3, 64, 25, 90, 41, 77, 12, 58, 120, 33};

    private static final Map<OutgrownModel, int[]> EXPECTED = Map.of(OutgrownModel.LONGROPE,
            new int[]{76, 59, 53, 56, 58, 0, 14, 91, 53, 104, 114, 29, 40, 59, 71, 114, 114, 114, 114, 93},
            OutgrownModel.DYNAMIC,
            new int[]{115, 11, 93, 93, 26, 119, 72, 93, 93, 93, 11, 50, 36, 4, 15, 72, 100, 42, 26, 0});

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource
    void aTextThatOutgrowsItsAnglesGoesOnAsIfItWereRunAnew(OutgrownModel outgrown) throws IOException {
        int[] continuation = Objects.requireNonNull(EXPECTED.get(outgrown));
        try (Checkpoint checkpoint = Checkpoint.open(outgrown.write(folder));
                CausalLanguageModel model = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                        TestDevice.float32(2));
                KeyValueCache cache = model.cache(PROMPT.length + continuation.length)) {
            List<Integer> text = new ArrayList<>(Arrays.stream(PROMPT).boxed().toList());
            int[] next = PROMPT;
            for (int expected : continuation) {
                float[] logits = model.nextTokenLogits(next, cache);
                float[] anew = model.logits(text.stream().mapToInt(Integer::intValue).toArray())[text.size() - 1];
                for (int i = 0; i < anew.length; i++) {
                    assertThat(logits[i]).as("token %s after %s", i, text.size()).isCloseTo(anew[i], within(2e-4f));
                }
                int likeliest = likeliest(logits);
                assertThat(likeliest).as("after %s tokens", text.size()).isEqualTo(expected);
                text.add(likeliest);
                next = new int[]{likeliest};
            }
            assertThat(cache.length()).isEqualTo(text.size() - 1);
        }
    }

    /** Prompts before and behind the length, and pieces that go across it. */
    @ParameterizedTest
    @EnumSource
    void severalSequencesGoOnTogetherWhereverTheyAreCut(OutgrownModel outgrown) throws IOException {
        int[] whole = Stream.of(PROMPT, Objects.requireNonNull(EXPECTED.get(outgrown))).flatMapToInt(Arrays::stream)
                .toArray();
        int[] other = Arrays.stream(whole).map(token -> (token + 5) % 128).toArray();
        try (Checkpoint checkpoint = Checkpoint.open(outgrown.write(folder));
                CausalLanguageModel model = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                        TestDevice.float32(2))) {
            for (List<Integer> cuts : List.of(List.of(12, 19, 20, 21, 22), List.of(25, 26), List.of(15, 30, 31))) {
                try (KeyValueCache cache = model.cache(2, whole.length)) {
                    int from = 0;
                    for (int to : cuts) {
                        int[] likeliest = model.likeliestTokens(new int[][]{Arrays.copyOfRange(whole, from, to),
                            Arrays.copyOfRange(other, from, to)}, cache);
                        assertThat(likeliest).as("%s of %s", to, cuts).containsExactly(
                                likeliest(model.logits(Arrays.copyOf(whole, to))[to - 1]),
                                likeliest(model.logits(Arrays.copyOf(other, to))[to - 1]));
                        from = to;
                    }
                    assertThat(cache.length()).isEqualTo(from);
                }
            }
        }
    }

    private static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }
}
