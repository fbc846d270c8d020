package dev.come.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailedException;
import dev.come.Golden;
import dev.come.PlainModel;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.TinyLlama;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.model.NextTokenDivergence;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ModelPairTests {
    private static final Progress.Task NOBODY = Progress.NONE.begin("", 0, "");

    @TempDir
    private Path folder;

    /** What came of a sequence. */
    private record Found(double[] losses, double[] referenceLosses, NextTokenDivergence divergence) {}

    private static Found[] measure(Path model, Path reference, Sequences tokens, IntUnaryOperator first,
            Compute compute, long memory, Progress.Task progress) {
        Found[] found = new Found[tokens.count()];
        try (Checkpoint one = Checkpoint.open(model);
                Checkpoint other = Checkpoint.open(reference);
                ModelPair pair = new ModelPair(new LayerStore(one, ModelConfig.of(one)), compute,
                        new LayerStore(other, ModelConfig.of(other)), compute, tokens, memory)) {
            pair.measure(first, (sequence, losses, referenceLosses, divergence) -> found[sequence] = new Found(losses,
                    referenceLosses, divergence), progress);
        }
        return found;
    }

    private static Sequences sequences(Random random, int vocabulary, int... lengths) {
        return Sequences.of(Arrays.stream(lengths).mapToObj(length -> random.ints(length, 0, vocabulary).toArray())
                .toList());
    }

    private static void assertEqualsTwin(Path model, Path reference, Sequences tokens, IntUnaryOperator first) {
        Found[] found = measure(model, reference, tokens, first, TestDevice.float32(2), 0, NOBODY);
        for (int sequence = 0; sequence < tokens.count(); sequence++) {
            int[] ids = tokens.sequence(sequence);
            double[][] logQ = PlainModel.logProbabilities(model, ids);
            double[][] logP = PlainModel.logProbabilities(reference, ids);
            int from = first.applyAsInt(sequence);
            assertThat(found[sequence].losses).hasSize(ids.length - from);
            assertThat(found[sequence].divergence.nats()).hasSize(ids.length - from);
            for (int i = 0; i < ids.length - from; i++) {
                double[] p = logP[from + i - 1];
                double[] q = logQ[from + i - 1];
                assertThat(found[sequence].losses[i]).isCloseTo(-q[ids[from + i]], within(tolerance(q[ids[from + i]])));
                assertThat(found[sequence].referenceLosses[i])
                        .isCloseTo(-p[ids[from + i]], within(tolerance(p[ids[from + i]])));
                double expected = PlainModel.divergence(p, q);
                assertThat(found[sequence].divergence.nats()[i]).isCloseTo(expected, within(1e-5 + 1e-4 * expected));
                assertThat(found[sequence].divergence.sameTop()[i]).as("token %s of sequence %s", from + i, sequence)
                        .isEqualTo(PlainModel.top(p) == PlainModel.top(q));
            }
        }
    }

    /** Losses of made-up weights are differences of logits in the tens, float32. */
    private static double tolerance(double logProbability) {
        return 1e-4 + 1e-5 * Math.abs(logProbability);
    }

    /** Models of other widths, depths, families and types; a sequence with more rows than a block. */
    @ParameterizedTest
    @CsvSource({"llama-gqa, llama-mha", "llama-deep, llama-bf16-sharded", "opt-350m-like, qwen3"})
    void eachTokenIsComparedAsWithAllLogits(String model, String reference) {
        int longest = model.startsWith("opt") ? 40 : 700;
        assertEqualsTwin(Golden.model(model), Golden.model(reference), sequences(new Random(3), 128, longest, 2, 30, 9),
                sequence -> sequence == 2 ? 11 : 1);
    }

    /** Gemma 2 caps its logits, Granite scales them. */
    @Test
    void logitsAreThoseThatEachModelMeans() {
        Path families = Path.of("src/test/resources/fixtures/families");
        assertEqualsTwin(families.resolve("gemma2"), families.resolve("granite"),
                sequences(new Random(3), 64, 20, 12), StackLosses.ALL);
        assertEqualsTwin(families.resolve("granite"), families.resolve("gemma2"),
                sequences(new Random(4), 64, 20, 12), StackLosses.ALL);
    }

    @Test
    void aVocabularyOfSeveralSlicesIsComparedAsWithAllLogits() {
        Path reference = noisy("reference", 0);
        Sequences tokens = sequences(new Random(4), 20_000, 30, 20);
        assertEqualsTwin(noisy("near", 0.1f), reference, tokens, StackLosses.ALL);
        boolean[] same = measure(folder.resolve("near"), reference, tokens, StackLosses.ALL, TestDevice.float32(1), 0,
                NOBODY)[0].divergence.sameTop();
        assertThat(same).as("both cases").contains(true, false);
        assertEqualsTwin(noisy("far", 2), reference, tokens, StackLosses.ALL);
    }

    /** The same weights with more or less noise. */
    private Path noisy(String name, float noise) {
        Random weights = new Random(1);
        Random random = new Random(2);
        return new TinyLlama(2, 20_000, 12, 8, 1, 2, 4, false).write(folder.resolve(name), spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (weights.nextGaussian() + noise * random.nextGaussian()) / 2;
            }
            return values;
        });
    }

    /** Golden: the logits of both models on one sequence, expected.safetensors, tolerance 1e-4 absolute. */
    @Test
    void theDivergenceIsThatOfGoldenLogits() {
        Sequences tokens = Golden.sequences("ids_a", "");
        Found found = measure(Golden.model("llama-gqa"), Golden.model("llama-mha"), tokens, StackLosses.ALL,
                TestDevice.float32(1), Long.MAX_VALUE, NOBODY)[0];
        Golden.Values q = Golden.expected("llama-gqa", "expected.safetensors", "a.logits");
        Golden.Values p = Golden.expected("llama-mha", "expected.safetensors", "a.logits");
        for (int i = 0; i < tokens.length(0) - 1; i++) {
            double[] logQ = logSoftmax(q.slice(i).values());
            double[] logP = logSoftmax(p.slice(i).values());
            assertThat(found.divergence.nats()[i]).isCloseTo(PlainModel.divergence(logP, logQ), within(1e-3));
            assertThat(found.divergence.sameTop()[i])
                    .isEqualTo(PlainModel.top(logP) == PlainModel.top(logQ));
        }
    }

    private static double[] logSoftmax(double[] logits) {
        double sum = Arrays.stream(logits).map(Math::exp).sum();
        return Arrays.stream(logits).map(logit -> logit - Math.log(sum)).toArray();
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "BF16"})
    void aModelIsNotApartFromItself(DType type) {
        Path model = Golden.model("llama-gqa");
        Sequences tokens = sequences(new Random(8), 128, 600, 40, 1300, 900);
        for (Found found : measure(model, model, tokens, StackLosses.ALL, TestDevice.of(type, 2), 0, NOBODY)) {
            assertThat(found.divergence.nats()).containsOnly(0.0);
            assertThat(found.divergence.sameTop()).containsOnly(true);
            assertThat(found.losses).containsExactly(found.referenceLosses);
        }
    }

    @Test
    void memoryAndThreadsChangeNothingAndLossesAreThoseOfTheModelAlone() {
        Path model = Golden.model("llama-gqa");
        Path reference = Golden.model("llama-deep");
        Sequences tokens = sequences(new Random(9), 128, 1500, 900, 40, 1200, 700);
        Found[] first = measure(model, reference, tokens, StackLosses.ALL, TestDevice.float32(1), Long.MAX_VALUE,
                NOBODY);
        Found[] second = measure(model, reference, tokens, StackLosses.ALL, TestDevice.float32(3), 0, NOBODY);
        double[][] alone = new double[tokens.count()][];
        try (Checkpoint checkpoint = Checkpoint.open(model);
                StackLosses losses = new StackLosses(new LayerStore(checkpoint, ModelConfig.of(checkpoint)),
                        List.of(LayerStack.dense(6)), tokens, TestDevice.float32(2), 0)) {
            losses.measure(StackLosses.ALL, (_, sequence, values) -> alone[sequence] = values, NOBODY);
        }
        for (int i = 0; i < tokens.count(); i++) {
            assertThat(second[i].losses).containsExactly(first[i].losses).containsExactly(alone[i]);
            assertThat(second[i].referenceLosses).containsExactly(first[i].referenceLosses);
            assertThat(second[i].divergence.nats()).containsExactly(first[i].divergence.nats());
            assertThat(second[i].divergence.sameTop()).containsExactly(first[i].divergence.sameTop());
        }
    }

    @Test
    void progressTellsOfEveryRunOfBoth() {
        long[] told = {0};
        Path model = Golden.model("llama-gqa");
        Path reference = Golden.model("llama-deep");
        measure(model, reference, sequences(new Random(9), 128, 1500, 900), StackLosses.ALL, TestDevice.float32(1), 0,
                steps -> told[0] += steps);
        try (Checkpoint one = Checkpoint.open(model);
                Checkpoint other = Checkpoint.open(reference);
                ModelPair pair = new ModelPair(new LayerStore(one, ModelConfig.of(one)), TestDevice.float32(1),
                        new LayerStore(other, ModelConfig.of(other)), TestDevice.float32(1),
                        sequences(new Random(9), 128, 1500, 900), 0)) {
            assertThat(pair.runs()).isEqualTo(told[0]).isGreaterThanOrEqualTo(2 * (6 + 12));
        }
    }

    @Test
    void aReferenceThatIsDamagedStopsTheRun() {
        Path broken = new TinyLlama(3, 128, 16, 20, 2, 2, 4, false).write(folder.resolve("broken"), spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            Arrays.fill(values, 0.1f);
            if (spec.name().equals("lm_head.weight")) {
                values[40] = Float.NaN;
            }
            return values;
        });
        assertThatThrownBy(() -> measure(Golden.model("llama-gqa"), broken, Golden.calibration(), StackLosses.ALL,
                TestDevice.float32(2), 0, NOBODY)).isInstanceOf(FailedException.class)
                .hasMessageContaining("The loss of sequence");
    }

    /** By hand: KL from equal probabilities of all 128 tokens is the mean of -log q, less log 128. */
    @Test
    void aReferenceThatKnowsNothingIsApartByTheMeanLoss() {
        Path uniform = new TinyLlama(2, 128, 16, 24, 2, 2, 4, false).write(folder.resolve("uniform"), spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            Arrays.fill(values, spec.name().equals("lm_head.weight") ? 0 : 0.1f);
            return values;
        });
        int[] ids = IntStream.range(3, 23).toArray();
        Found found = measure(Golden.model("llama-gqa"), uniform, Sequences.of(List.of(ids)), StackLosses.ALL,
                TestDevice.float32(1), 0, NOBODY)[0];
        double[][] logQ = PlainModel.logProbabilities(Golden.model("llama-gqa"), ids);
        for (int i = 0; i < ids.length - 1; i++) {
            double expected = -Arrays.stream(logQ[i]).average().orElseThrow() - Math.log(128);
            assertThat(found.divergence.nats()[i]).isCloseTo(expected, within(1e-5));
            assertThat(found.referenceLosses[i]).isCloseTo(Math.log(128), within(1e-6));
        }
    }
}
