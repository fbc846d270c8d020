package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.SharedData;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.PerplexityText;
import dev.come.text.Sequences;
import dev.come.text.TextFacts;
import java.util.List;
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
                    List.of(LayerStack.dense(config.layers())), text, Compute.float32(2), Long.MAX_VALUE, Progress.NONE)
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
        return new PerplexityText(windows,
                new TextFacts("wiki2", "test", List.of("wiki.test.raw"), 4358, 4358, "cut into windows", 0, 0,
                        windows.tokenCount(), windows.count(), windows.length(0), true, windows.fingerprint(),
                        List.of()),
                true);
    }
}
