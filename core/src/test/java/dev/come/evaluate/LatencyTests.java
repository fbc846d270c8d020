package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.OutgrownModel;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.UsageException;
import dev.come.checkpoint.Checkpoint;
import dev.come.evaluate.Latency.Load;
import dev.come.evaluate.Latency.Seconds;
import dev.come.evaluate.Latency.Subject;
import dev.come.evaluate.Latency.Timing;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LatencyTests {
    @TempDir
    private Path folder;

    @Test
    void mediansAndRatiosAreOfPairedRuns() {
        Seconds fast = new Seconds(List.of(1.0, 4.0, 2.0));
        Seconds slow = new Seconds(List.of(3.0, 4.0, 4.0));
        assertThat(fast.median()).isEqualTo(2);
        assertThat(new Seconds(List.of(1.0, 2.0, 5.0, 4.0)).median()).isEqualTo(3);
        assertThat(fast.ratioOf(slow).values()).containsExactly(3.0, 1.0, 2.0);
        assertThat(fast.least()).isEqualTo(1);
        assertThat(fast.most()).isEqualTo(4);
    }

    @Test
    void bothModelsAreTimedAndTheirSizesTold() {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"))) {
            ModelConfig config = ModelConfig.of(checkpoint);
            LayerStore store = new LayerStore(checkpoint, config);
            Load load = new Load(2, 20, 5, 3);
            List<Timing> timings = Latency.measure(
                    List.of(new Subject("six", store, LayerStack.dense(6)),
                            new Subject("two", store, LayerStack.dense(2))),
                    load, TestDevice.float32(2), Progress.NONE);
            assertThat(timings).extracting(Timing::layers).containsExactly(6, 2);
            for (Timing timing : timings) {
                assertThat(timing.prompt().values()).hasSize(3).allMatch(seconds -> seconds > 0);
                assertThat(timing.generation().getFirst().values()).hasSize(3).allMatch(seconds -> seconds > 0);
                assertThat(timing.parameters()).isEqualTo(config.parameters(timing.layers()));
                assertThat(timing.weightBytes()).isEqualTo(4 * timing.parameters());
                assertThat(timing.cacheBytes()).isEqualTo(2L * 4 * timing.layers() * 2 * 25 * 2 * 4);
                assertThat(timing.promptRate(load)).isCloseTo(40 / timing.prompt().median(), within(1e-6));
                assertThat(timing.generationRate(load)).isCloseTo(8 / timing.generation().getFirst().median(),
                        within(1e-6));
            }
            assertThatThrownBy(() -> Latency.measure(List.of(new Subject("six", store, LayerStack.dense(6))),
                    new Load(1, config.maxPositions(), 2, 1), TestDevice.float32(1), Progress.NONE))
                    .isInstanceOf(UsageException.class).hasMessageContaining("positions of six");
        }
        assertThatThrownBy(() -> new Load(0, 2, 0, 1)).isInstanceOf(UsageException.class)
                .hasMessage("--batch is 0, but must be at least 1");
    }

    /** Of 4 new tokens 3 are run, so 18 to 20 tokens are in the cache and no more. */
    @ParameterizedTest
    @EnumSource
    void itIsToldFromWhereOnAllIsRunAnewBecauseAnglesChange(OutgrownModel outgrown) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(outgrown.write(folder))) {
            Subject subject = new Subject("m", new LayerStore(checkpoint, ModelConfig.of(checkpoint)),
                    LayerStack.dense(2));
            assertThat(anewFrom(subject, new Load(1, 17, 5, 1))).hasValue(21);
            assertThat(anewFrom(subject, new Load(1, 17, 4, 1))).isEmpty();
            assertThat(anewFrom(subject, new Load(1, 40, 0, 1))).isEmpty();
        }
    }

    private static OptionalInt anewFrom(Subject subject, Load load) {
        return Latency.measure(List.of(subject), load, TestDevice.float32(1), Progress.NONE).getFirst().anewFrom();
    }
}
