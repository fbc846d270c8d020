package dev.come.heal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.calibration.HealingOnCluster;
import dev.come.calibration.OwnersOfShards;
import dev.come.calibration.Reading;
import dev.come.calibration.Shard;
import dev.come.prune.PruningStep;
import dev.come.stack.LayerStack;
import dev.come.stack.TrainedLayers;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Healing whose states lie in several shards, which are lost at random moments. */
class HealingOnShardsTests {
    private static final long MEMORY = 200_000;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"llama-gqa, 1", "llama-gqa, 3", "opt, 2"})
    void theLayersAreThoseOfOneMachine(String model, int owners) {
        long seed = System.nanoTime();
        System.out.println("HealingOnShardsTests: shards given to owners with seed " + seed);
        LayerStack stack = LayerStack.dense(6).without(2, 1).without(3, 1);
        HealingTests.with(Golden.model(model), store -> {
            Sequences drawn = HealingTests.drawn(store);
            // Enough for several shards.
            Sequences tokens = Sequences
                    .of(IntStream.range(0, 480).mapToObj(i -> drawn.sequence(i % drawn.count())).toList());
            PruningStep expected = new Healing(store, TestDevice.float32(2), Healing.Options.DEFAULTS, MEMORY, fresh(),
                    Progress.NONE).heal(stack, tokens).orElseThrow();
            Path fits = fresh();
            try (TrainedLayers healed = new TrainedLayers(fits);
                    HealingOnCluster states = new HealingOnCluster(store, HeldOut.of(tokens), TestDevice.float32(2),
                            Progress.NONE, chunks -> {
                                assertThat(Shard.divide(chunks)).hasSizeGreaterThan(1);
                                return new OwnersOfShards(store.with(healed), Shard.divide(chunks), owners,
                                        TestDevice.float32(1), Reading.DEFINITION, new Random(seed), fresh());
                            })) {
                Healing healing = new Healing(store, states, Healing.Options.DEFAULTS, fits, Progress.NONE);
                assertThat(healing.heal(stack, tokens).orElseThrow()).as("seed " + seed).isEqualTo(expected);
                // The fits are there now, so nothing is fitted again.
                assertThat(healing.heal(stack, tokens).orElseThrow()).as("resumed, seed " + seed).isEqualTo(expected);
            }
        });
    }

    private Path fresh() {
        try {
            return Files.createTempDirectory(folder, "run");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
