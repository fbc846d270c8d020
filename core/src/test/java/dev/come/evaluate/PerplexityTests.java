package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailedException;
import dev.come.Golden;
import dev.come.PlainModel;
import dev.come.Progress;
import dev.come.SharedData;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.PerplexityText;
import dev.come.text.Sequences;
import dev.come.text.TextFacts;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class PerplexityTests {
    /** Golden: ppl.json, tolerance 1e-4 relative, from the token ids in ppl.safetensors. */
    @ParameterizedTest
    @ValueSource(ints = {128, 256})
    void theFirstWindowsOfARealTextEqualGolden(int sequenceLength) {
        JsonNode golden = Golden.json("ppl.json").get("" + sequenceLength);
        int count = golden.get("first_windows").asInt();
        PerplexityText text = text(Sequences.windows(Golden.ids("ppl.safetensors", "ids"), sequenceLength)
                .slice(0, count));
        try (Checkpoint checkpoint = Checkpoint.open(SharedData.path("data/stories260K/hf"))) {
            ModelConfig config = ModelConfig.of(checkpoint);
            Perplexity perplexity = Perplexity.measure(new LayerStore(checkpoint, config),
                    List.of(LayerStack.dense(config.layers())), text, TestDevice.float32(2), Long.MAX_VALUE,
                    Optional.empty(),
                    Progress.NONE)
                    .getFirst();
            List<Double> windows = Golden.doubles(golden.get("loss_per_window"));
            assertThat(perplexity.windowLosses()).hasSize(count);
            for (int i = 0; i < count; i++) {
                assertThat(perplexity.windowLosses().get(i)).as("window " + i).isCloseTo(windows.get(i),
                        within(1e-4 * windows.get(i)));
            }
            double expected = golden.get("ppl_first").asDouble();
            assertThat(perplexity.value()).isCloseTo(expected, within(1e-4 * expected));
            assertThat(perplexity.metric()).contains("wiki2", "first 64 windows of " + sequenceLength + " tokens",
                    "one BOS token");
        }
    }

    private static PerplexityText text(Sequences windows) {
        return text(windows, windows.length(0));
    }

    private static PerplexityText text(Sequences windows, int stride) {
        return new PerplexityText(windows,
                new TextFacts("wiki2", "test", List.of("wiki.test.raw"), 4358, 4358, "cut into windows", 0, 0,
                        windows.tokenCount(), windows.count(), windows.length(0), OptionalInt.empty(), true,
                        windows.fingerprint(),
                        List.of()),
                stride, true);
    }

    private static Perplexity measure(PerplexityText text) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"))) {
            return Perplexity.measure(new LayerStore(checkpoint, ModelConfig.of(checkpoint)),
                    List.of(LayerStack.dense(6)), text, TestDevice.float32(2), 0, Optional.empty(), Progress.NONE)
                    .getFirst();
        }
    }

    /** The slow twin: for each token the window that it is first in, through the plain layers; a plain mean. */
    @ParameterizedTest
    @ValueSource(ints = {1, 5, 8, 16, 23})
    void windowsThatSlideScoreEveryTokenOnceAfterWhatItsFirstWindowHasOfIt(int stride) {
        int length = 24;
        int[] ids = new Random(6).ints(72, 0, 128).toArray();
        double sum = 0;
        for (int token = 1; token < ids.length; token++) {
            int begin = 0;
            while (begin + length <= token) {
                begin += stride;
            }
            double[][] logProbabilities = PlainModel.logProbabilities(Golden.model("llama-gqa"),
                    Arrays.copyOfRange(ids, begin, token));
            sum -= logProbabilities[token - begin - 1][ids[token]];
        }
        Perplexity perplexity = measure(text(Sequences.slidingWindows(ids, length, stride), stride));
        assertThat(Math.log(perplexity.value())).isCloseTo(sum / (ids.length - 1), within(1e-5));
        assertThat(perplexity.metric()).contains("windows of 24 tokens that move by " + stride + ",");
    }

    @Test
    void aStrideOfAWholeWindowIsTheConventionToTheBit() {
        int[] ids = new Random(6).ints(300, 0, 128).toArray();
        Sequences windows = Sequences.windows(ids, 24);
        Perplexity perplexity = measure(text(windows, 24));
        assertThat(perplexity.value())
                .isEqualTo(
                        Math.exp(perplexity.windowLosses().stream().mapToDouble(loss -> loss).average().orElseThrow()))
                .isEqualTo(measure(text(windows)).value());
        assertThat(perplexity.metric()).doesNotContain("move");
    }

    @Test
    void aPerplexityThatIsNoNumberIsAFailure() {
        PerplexityText text = text(Sequences.of(List.of(new int[]{5, 6})));
        assertThatThrownBy(() -> Perplexity.of(text, new double[]{1000})).isInstanceOf(FailedException.class)
                .hasMessageContaining("is e to the power of 1000.0");
        assertThatThrownBy(() -> Perplexity.of(text, new double[]{Double.NaN})).isInstanceOf(FailedException.class);
    }
}
