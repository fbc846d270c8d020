package dev.come.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailedException;
import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.TinyLlama;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class StackLossesTests {
    private static final Progress.Task NOBODY = Progress.NONE.begin("", 0, "");

    @TempDir
    private Path folder;

    /** The losses of each stack. */
    private static List<double[]> losses(Path model, List<LayerStack> stacks, Sequences tokens, int threads,
            long memory, Progress.Task progress) {
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            return new StackLosses(new LayerStore(checkpoint, ModelConfig.of(checkpoint)), stacks, tokens,
                    TestDevice.float32(threads), memory).measure(progress);
        }
    }

    /** Golden: scores.json, tolerance 1e-4 relative. */
    @Test
    void theLossOfEachSequenceEqualsGolden() {
        for (String model : Golden.MODELS) {
            JsonNode golden = Golden.expected(model, "scores.json").get("loss").get("ragged_per_sequence");
            LayerStack dense = LayerStack.dense(model.equals("llama-deep") ? 12 : 6);
            double[] losses = losses(Golden.model(model), List.of(dense), Golden.sequences("ragged_ids", "ragged_mask"),
                    2, Long.MAX_VALUE, NOBODY).getFirst();
            assertThat(losses).hasSize(4);
            for (int i = 0; i < 4; i++) {
                double expected = golden.get(i).asDouble();
                assertThat(losses[i]).as(model).isCloseTo(expected, within(1e-4 * expected));
            }
        }
    }

    /** Sequences of unequal length, some too long to go with others. */
    private static Sequences sequences() {
        Random random = new Random(5);
        return Sequences.of(IntStream.of(1500, 900, 3, 40, 1200, 2, 700, 64, 1900)
                .mapToObj(length -> random.ints(length, 0, 128).toArray()).toList());
    }

    /** The dense model, some that part from it early or late, one of them twice, and one that is the beginning of another. */
    private static List<LayerStack> stacks() {
        LayerStack dense = LayerStack.dense(6);
        LayerStack late = dense.replace(4, 2, dense.get(5));
        return List.of(late, dense, dense.replace(1, 2, dense.get(1)), new LayerStack(dense.window(0, 2)), late,
                dense.replace(0, 1, dense.get(3)));
    }

    @Test
    void stacksTogetherGiveWhatEachGivesAloneWhateverTheMemoryAndTheThreads() {
        Path model = Golden.model("llama-gqa");
        List<double[]> alone = new ArrayList<>();
        for (LayerStack stack : stacks()) {
            alone.addAll(losses(model, List.of(stack), sequences(), 1, Long.MAX_VALUE, NOBODY));
        }
        assertThat(alone.get(0)).isEqualTo(alone.get(4)).isNotEqualTo(alone.get(1));
        for (long memory : new long[]{0, 500_000, Long.MAX_VALUE}) {
            for (int threads : new int[]{1, 3}) {
                List<double[]> together = losses(model, stacks(), sequences(), threads, memory, NOBODY);
                assertThat(together.toArray(double[][]::new)).as(memory + " bytes, " + threads + " threads")
                        .isDeepEqualTo(alone.toArray(double[][]::new));
            }
        }
    }

    @Test
    void commonLayersAreRunOnceAndProgressTellsOfEveryRun() {
        LayerStack dense = LayerStack.dense(6);
        List<LayerStack> stacks = List.of(dense, dense.replace(4, 2, dense.get(5)));
        long[] told = {0};
        losses(Golden.model("llama-gqa"), stacks, Golden.calibration(), 1, Long.MAX_VALUE, steps -> told[0] += steps);
        assertThat(told[0]).as("layers, and the output projection twice").isEqualTo(6 + 1 + 2);
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"));
                StackLosses losses = new StackLosses(new LayerStore(checkpoint, ModelConfig.of(checkpoint)), stacks,
                        Golden.calibration(), TestDevice.float32(1), Long.MAX_VALUE)) {
            assertThat(losses.runs()).isEqualTo(told[0]);
        }
    }

    @Test
    void whatIsNotFiniteStopsTheRunAndNamesTheLayer() {
        Random random = new Random(1);
        Path model = new TinyLlama(3, 128, 16, 20, 2, 2, 4, false).write(folder.resolve("model"), spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            if (spec.name().equals("model.layers.1.mlp.down_proj.weight")) {
                Arrays.fill(values, Float.MAX_VALUE); // sound by itself, but products of it are not
            }
            return values;
        });
        assertThatThrownBy(() -> losses(model, List.of(LayerStack.dense(3)), Golden.calibration(), 2, Long.MAX_VALUE,
                NOBODY)).isInstanceOf(FailedException.class).hasMessageContaining("Layer 1 gives values");
    }
}
