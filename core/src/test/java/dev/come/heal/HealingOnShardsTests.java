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
import dev.come.run.Message;
import dev.come.run.OtherMachines;
import dev.come.run.Piece;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.ObjIntConsumer;
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
                            }, () -> new PiecesInTurn(store.with(healed), owners, fresh()))) {
                Healing healing = new Healing(store, states, Healing.Options.DEFAULTS, fits, Progress.NONE);
                assertThat(healing.heal(stack, tokens).orElseThrow()).as("seed " + seed).isEqualTo(expected);
                // The fits are there now, so nothing is fitted again.
                assertThat(healing.heal(stack, tokens).orElseThrow()).as("resumed, seed " + seed).isEqualTo(expected);
            }
        });
    }

    /** A cluster's work, done here, with every message through serialisation. */
    private record PiecesInTurn(LayerStore store, int parallel, Path folder) implements OtherMachines {
        @Override
        @SuppressWarnings("unchecked") // what was sent
        public <R extends Serializable> void each(List<? extends Piece<R>> pieces, Progress.Task task,
                ObjIntConsumer<R> taker) {
            // The tokens that fits do not see are two chunks.
            assertThat(pieces).hasSize(Math.min(parallel, 2));
            for (int i = 0; i < pieces.size(); i++) {
                Piece<R> sent = (Piece<R>) Message.read(Message.of(pieces.get(i)).bytes());
                taker.accept(sent.run(new Piece.Place(store, TestDevice.float32(1), MEMORY, folder), task), i);
            }
        }

        @Override
        public void close() {
            // nothing is held
        }
    }

    private Path fresh() {
        try {
            return Files.createTempDirectory(folder, "run");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
