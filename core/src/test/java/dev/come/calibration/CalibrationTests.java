package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.UsageException;
import dev.come.calibration.Calibration.Tokens;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.ModelConfig;
import dev.come.model.Tensors;
import dev.come.run.LayerRunner;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.assertj.core.data.Percentage;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class CalibrationTests {
    static final List<String> MODELS = Golden.MODELS;

    @TempDir
    private Path folder;

    /**
     * Golden: scores.json, tolerance 1e-4 relative. A channel behind a ReLU that hardly ever fires has a score from the last digits
     * of its activations, so besides as much as float32 may be off.
     */
    static void assertScores(List<Double> actual, JsonNode expected, String what) {
        List<Double> values = Golden.doubles(expected);
        assertThat(actual).as(what).hasSameSizeAs(values);
        for (int i = 0; i < values.size(); i++) {
            assertThat(actual.get(i)).as(what + " at " + i).isCloseTo(values.get(i),
                    within(1e-4 * Math.abs(values.get(i)) + 1e-7));
        }
    }

    private void calibrate(String model, Sequences tokens, Reading reading, int threads, long memory,
            Consumer<LocalCalibration> questions) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(model));
                LocalCalibration calibration = new LocalCalibration(
                        new LayerStore(checkpoint, ModelConfig.of(checkpoint)), tokens, TestDevice.float32(threads),
                        reading, memory, folder, Progress.NONE)) {
            questions.accept(calibration);
        }
    }

    private static LayerStack dense(String model) {
        return LayerStack.dense(model.equals("llama-deep") ? 12 : 6);
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void scoresEqualGolden(String model) {
        JsonNode golden = Golden.expected(model, "scores.json");
        for (List<String> input : List.of(List.of("calib_ids", ""), List.of("calib40_ids", "calib40_mask"))) {
            calibrate(model, Golden.sequences(input.get(0), input.get(1)), Reading.DEFINITION, 2, Long.MAX_VALUE,
                    calibration -> {
                        JsonNode expected = golden.get("calib");
                        LayerStack stack = dense(model);
                        assertScores(calibration.blockInfluence(stack), expected.get("bi"), "block influence");
                        for (int width = 1; width <= 3; width++) {
                            assertScores(calibration.angularDistance(stack, width, Tokens.LAST),
                                    expected.get("angular_last").get("" + width), "distance of last tokens");
                            assertScores(calibration.angularDistance(stack, width, Tokens.ALL),
                                    expected.get("angular_all").get("" + width), "distance of all tokens");
                        }
                        for (int layer = 0; layer < stack.size(); layer++) {
                            assertScores(calibration.sensitivity(stack, layer).channels(),
                                    expected.get("channel_sensitivity").get(layer), "channels of layer " + layer);
                            assertScores(calibration.sensitivity(stack, layer).keyValueHeads(),
                                    expected.get("head_groups").get(layer), "heads of layer " + layer);
                        }
                        assertThat(calibration.loss(stack)).isCloseTo(golden.get("loss").get("calib").asDouble(),
                                Percentage.withPercentage(0.01));
                    });
        }
    }

    /** Twin: layer by layer in plain float64, token by token. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void relativeMagnitudeIsHowFarALayerMovesTheStates(String model) {
        Sequences tokens = Golden.sequences("ragged_ids", "ragged_mask");
        calibrate(model, tokens, Reading.DEFINITION, 2, Long.MAX_VALUE, calibration -> {
            LayerStack stack = dense(model).without(2, 1);
            List<Double> found = calibration.relativeMagnitude(stack);
            assertThat(found).hasSize(stack.size());
            double[] sums = new double[stack.size()];
            try (Checkpoint checkpoint = Checkpoint.open(Golden.model(model));
                    var _ = new NoGradGuard();
                    var _ = new PointerScope()) {
                LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
                try (LayerRunner runner = new LayerRunner(store, TestDevice.float32(1));
                        PlainSources plain = new PlainSources(store)) {
                    for (Chunk chunk : TokenChunks.of(tokens).chunks()) {
                        Tensor state = runner.embed(chunk).cpu().to(torch.ScalarType.Double);
                        for (int layer = 0; layer < stack.size(); layer++) {
                            Tensor between = state.add(plain.attention(stack.get(layer), state, chunk.layout()));
                            Tensor after = between.add(plain.feedForward(stack.get(layer), between));
                            for (int token = 0; token < state.size(0); token++) {
                                double[] from = Tensors.doubles(state.get(token));
                                double[] to = Tensors.doubles(after.get(token));
                                double moved = 0;
                                double length = 0;
                                for (int i = 0; i < from.length; i++) {
                                    moved += (to[i] - from[i]) * (to[i] - from[i]);
                                    length += from[i] * from[i];
                                }
                                sums[layer] += Math.sqrt(moved / length) / tokens.tokenCount();
                            }
                            state = after;
                        }
                    }
                }
            }
            for (int layer = 0; layer < sums.length; layer++) {
                assertThat(found.get(layer)).isCloseTo(sums[layer], Percentage.withPercentage(0.01));
            }
        });
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void sequencesOfUnequalLengthCountByTokens(String model) {
        JsonNode expected = Golden.expected(model, "scores.json").get("ragged");
        calibrate(model, Golden.sequences("ragged_ids", "ragged_mask"), Reading.DEFINITION, 1, Long.MAX_VALUE,
                calibration -> {
                    LayerStack stack = dense(model);
                    assertScores(calibration.blockInfluence(stack), expected.get("bi"), "block influence");
                    assertScores(calibration.angularDistance(stack, 2, Tokens.LAST),
                            expected.get("angular_last").get("2"), "distance of last tokens");
                    for (int layer = 0; layer < stack.size(); layer++) {
                        assertScores(calibration.sensitivity(stack, layer).channels(),
                                expected.get("channel_sensitivity_token_mean").get(layer), "channels");
                        assertScores(calibration.sensitivity(stack, layer).keyValueHeads(),
                                expected.get("head_groups_token_mean").get(layer), "heads");
                    }
                });
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void theReferenceReadingEqualsTheAuthorsCode(String model) {
        JsonNode seed = Golden.expected(model, "scores.json").get("seed");
        Sequences tokens = Golden.calibration();
        if (seed.get("bi_sum").get(5).isNull()) {
            assertThatThrownBy(() -> calibrate(model, tokens, Reading.REFERENCE, 1, Long.MAX_VALUE, _ -> {
            })).isInstanceOf(UsageException.class).hasMessageContaining("16 wide in this model where states")
                    .hasMessageContaining(
                            "are 32; the authors' code fails here");
            return;
        }
        calibrate(model, tokens, Reading.REFERENCE, 2, Long.MAX_VALUE, calibration -> {
            LayerStack stack = dense(model);
            // Theirs are sums over tokens or sequences, ours are means.
            assertScores(times(calibration.blockInfluence(stack), tokens.tokenCount()), seed.get("bi_sum"), "BI");
            assertScores(times(calibration.angularDistance(stack, 2, Tokens.LAST), tokens.count()),
                    seed.get("angular2_last_sum"), "last tokens");
            assertScores(times(calibration.angularDistance(stack, 2, Tokens.ALL), tokens.tokenCount()),
                    seed.get("angular2_all_sum"), "all tokens");
        });
    }

    private static List<Double> times(List<Double> values, double factor) {
        return values.stream().map(value -> value * factor).toList();
    }

    @Test
    void threadsAndMemoryChangeNothingAndTheBudgetHolds() {
        String model = "llama-gqa";
        List<List<Double>> answers = new ArrayList<>();
        // One boundary holds 4 sequences x 32 tokens x 32 channels x 4 bytes; the budget is less than two of them.
        long boundary = 4L * 32 * 32 * 4;
        for (long memory : new long[]{Long.MAX_VALUE, boundary + 100, 0}) {
            for (int threads : new int[]{1, 3}) {
                calibrate(model, Golden.calibration(), Reading.DEFINITION, threads, memory, calibration -> {
                    LayerStack stack = dense(model);
                    List<Double> answer = new ArrayList<>(calibration.blockInfluence(stack));
                    answer.addAll(calibration.angularDistance(stack, 2, Tokens.LAST));
                    answer.addAll(calibration.angularDistance(stack, 3, Tokens.ALL));
                    answer.addAll(calibration.sensitivity(stack, 3).channels());
                    answer.add(calibration.loss(stack));
                    answers.add(answer);
                    assertThat(calibration.bytesInMemory()).isLessThanOrEqualTo(memory);
                });
            }
        }
        assertThat(answers).allSatisfy(answer -> assertThat(answer).isEqualTo(answers.getFirst()));
    }

    @Test
    void aStackThatBeginsLikeAnotherIsRunFromWhereTheyDiffer() {
        AtomicLongArray told = new AtomicLongArray(1);
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"));
                LocalCalibration calibration = counted(checkpoint, Golden.calibration(), 1, Long.MAX_VALUE, told)) {
            LayerStack stack = LayerStack.dense(6);
            calibration.blockInfluence(stack);
            assertThat(told.get(0)).isEqualTo(6);
            LayerStack shorter = stack.replace(3, 2, stack.get(4));
            double loss = calibration.loss(shorter);
            assertThat(told.get(0)).as("two layers and the output projection").isEqualTo(6 + 2 + 1);
            calibration.blockInfluence(shorter);
            assertThat(told.get(0)).isEqualTo(9 + 2);
            calibration.focus(shorter);
            assertThat(calibration.loss(shorter)).isEqualTo(loss);
            assertThat(told.get(0)).as("only the output projection").isEqualTo(11 + 1);
            calibration.blockInfluence(stack);
            assertThat(told.get(0)).as("what is out of focus is forgotten").isEqualTo(12 + 3);
            calibration.keep(stack);
            calibration.focus(shorter);
            calibration.blockInfluence(stack);
            assertThat(told.get(0)).as("what is kept is not").isEqualTo(15);
        }
    }

    private static Progress counting(AtomicLongArray told) {
        return new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                return steps -> told.addAndGet(0, steps);
            }

            @Override
            public void note(String line) {
            }
        };
    }

    /** So many short sequences that there are several chunks of them. */
    private static Sequences manySequences() {
        Random random = new Random(3);
        return Sequences.of(IntStream.range(0, 300).mapToObj(_ -> random.ints(32, 0, 128).toArray()).toList());
    }

    /** What a search says, beside the losses of all stacks that were measured alone. */
    private static void assertSearched(Calibration.SearchedLosses searched, List<Double> alone) {
        double secondLeast = alone.stream().sorted().toList().get(1);
        for (int i = 0; i < alone.size(); i++) {
            if (alone.get(i) <= secondLeast) {
                assertThat(searched.losses().get(i)).isEqualTo(alone.get(i));
            } else {
                assertThat(searched.losses().get(i)).isIn(alone.get(i), Double.POSITIVE_INFINITY);
            }
            assertThat(searched.lowerBounds().get(i)).isLessThanOrEqualTo(alone.get(i));
        }
    }

    /** Few stacks, which are measured exactly, and many, of which most are bounded by a part of the vocabulary. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void aSearchFindsTheTwoLeastLossesExactlyAndOfTheOthersNoMoreThanTheyAre(int widths) {
        LayerStack dense = dense("llama-gqa");
        List<LayerStack> stacks = IntStream.rangeClosed(1, widths).boxed().flatMap(width -> IntStream
                .rangeClosed(0, 6 - width).mapToObj(position -> dense.without(position, width))).toList();
        for (long memory : new long[]{0, 1 << 20, Long.MAX_VALUE}) {
            for (int threads : new int[]{1, 3}) {
                calibrate("llama-gqa", manySequences(), Reading.DEFINITION, threads, memory, calibration -> {
                    List<Double> alone = stacks.stream().map(calibration::loss).toList();
                    assertSearched(calibration.searchLosses(stacks), alone);
                    assertThat(calibration.bytesInMemory()).isLessThanOrEqualTo(memory);
                });
            }
        }
    }

    @Test
    void whatASearchGivesUpNeedNotBeDone() {
        AtomicLongArray told = new AtomicLongArray(3);
        LayerStack stack = dense("llama-gqa");
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"));
                LocalCalibration calibration = reporting(checkpoint, manySequences(), 2, Long.MAX_VALUE,
                        new Progress() {
                            @Override
                            public Task begin(String what, long total, String unit) {
                                told.addAndGet(0, total);
                                return new Task() {
                                    @Override
                                    public void advance(long steps) {
                                        told.addAndGet(1, steps);
                                    }

                                    @Override
                                    public void skip(long steps) {
                                        told.addAndGet(2, steps);
                                    }
                                };
                            }

                            @Override
                            public void note(String line) {
                            }
                        })) {
            calibration.searchLosses(IntStream.range(0, 6).mapToObj(i -> stack.without(i, 1)).toList());
        }
        assertThat(told.get(2)).isPositive();
        assertThat(told.get(1) + told.get(2)).isEqualTo(told.get(0));
    }

    /** What the search of the step before left behind must give what a run from the embeddings gives, to the bit. */
    @ParameterizedTest
    @ValueSource(longs = {0, 60_000, 1 << 20, Long.MAX_VALUE})
    void aSearchGoesOnFromTheStatesOfTheOneBefore(long memory) {
        AtomicLongArray told = new AtomicLongArray(1);
        AtomicLongArray toldFresh = new AtomicLongArray(1);
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"));
                LocalCalibration calibration = counted(checkpoint, manySequences(), 2, memory, told)) {
            LayerStack stack = LayerStack.dense(6);
            for (int position : new int[]{4, 2, 1}) {
                List<LayerStack> stacks = new ArrayList<>();
                for (int without = 0; without < stack.size(); without++) {
                    stacks.add(stack.without(without, 1));
                }
                calibration.focus(stack);
                Calibration.SearchedLosses searched = calibration.searchLosses(stacks);
                try (LocalCalibration fresh = counted(checkpoint, manySequences(), 2, memory, toldFresh)) {
                    assertSearched(searched, stacks.stream().map(fresh::loss).toList());
                }
                try (LocalCalibration fresh = counted(checkpoint, manySequences(), 2, memory, toldFresh)) {
                    fresh.focus(stack);
                    assertThat(searched).isEqualTo(fresh.searchLosses(stacks));
                }
                stack = stack.without(position, 1);
            }
            assertThat(calibration.bytesInMemory()).isLessThanOrEqualTo(memory);
        }
    }

    /** @param told adds up what progress is told of */
    private LocalCalibration counted(Checkpoint checkpoint, Sequences tokens, int threads, long memory,
            AtomicLongArray told) {
        return reporting(checkpoint, tokens, threads, memory, counting(told));
    }

    private LocalCalibration reporting(Checkpoint checkpoint, Sequences tokens, int threads, long memory,
            Progress progress) {
        return new LocalCalibration(new LayerStore(checkpoint, ModelConfig.of(checkpoint)), tokens,
                TestDevice.float32(threads), Reading.DEFINITION, memory, folder, progress);
    }

    @Test
    void whatASearchHasRunIsNotRunAgain() {
        AtomicLongArray told = new AtomicLongArray(1);
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"));
                LocalCalibration calibration = counted(checkpoint, Golden.calibration(), 1, Long.MAX_VALUE, told)) {
            LayerStack stack = LayerStack.dense(6);
            calibration.focus(stack);
            calibration.searchLosses(List.of(stack.without(1, 1), stack.without(2, 1)));
            assertThat(told.get(0)).as("two shared layers, 4 and 3 of their own, two heads").isEqualTo(2 + 4 + 3 + 2);
            LayerStack shorter = stack.without(4, 1);
            calibration.focus(shorter);
            calibration.searchLosses(List.of(shorter.without(1, 1), shorter.without(2, 1)));
            assertThat(told.get(0)).as("from the layer on that is gone: the last of each").isEqualTo(11 + 2 + 2);
        }
    }

    @Test
    void paddingThreadsAndMemoryDoNotMatterForGradients() {
        LayerStack dense = dense("llama-gqa");
        for (Calibration.GradientOrder order : Calibration.GradientOrder.values()) {
            List<double[]> answers = new ArrayList<>();
            for (Sequences tokens : List.of(manySequences().slice(0, 160),
                    Sequences.of(IntStream.range(0, 160).mapToObj(i -> manySequences().sequence(i)).toList()))) {
                int threads = answers.isEmpty() ? 1 : 3;
                calibrate("llama-gqa", tokens, Reading.DEFINITION, threads, threads == 1 ? Long.MAX_VALUE : 0,
                        calibration -> answers.add(calibration.gradientProducts(dense, order).stream()
                                .flatMap(layer -> layer.weights().values().stream()).flatMapToDouble(Arrays::stream)
                                .toArray()));
            }
            assertThat(answers.get(1)).as(order.toString()).isEqualTo(answers.get(0));
        }
    }

    @Test
    void pooledStatesAreMeansOverTheTokensOfEachSequence() {
        calibrate("llama-gqa", Golden.sequences("ragged_ids", "ragged_mask"), Reading.DEFINITION, 2, 0, calibration -> {
            List<double[][]> pooled = calibration.pooledStates(dense("llama-gqa"));
            assertThat(pooled).hasSize(6).allSatisfy(layer -> assertThat(layer.length).isEqualTo(4));
            Golden.Values hidden = Golden.expected("llama-gqa", "expected.safetensors", "a.hidden");
            calibrate("llama-gqa", Golden.sequences("ids_a", ""), Reading.DEFINITION, 1, Long.MAX_VALUE, one -> {
                double[] actual = one.pooledStates(dense("llama-gqa")).get(2)[0];
                Golden.Values after = hidden.slice(3);
                int width = actual.length;
                int tokens = after.values().length / width;
                for (int channel = 0; channel < width; channel++) {
                    int column = channel;
                    double mean = IntStream.range(0, tokens).mapToDouble(t -> after.values()[t * width + column]).sum()
                            / tokens;
                    assertThat(actual[channel]).isCloseTo(mean, within(1e-4));
                }
            });
        });
    }

    @Test
    void aStackIsAsSimilarToItselfAsCanBe() {
        LayerStack dense = dense("llama-gqa");
        calibrate("llama-gqa", Golden.calibration(), Reading.DEFINITION, 2, 0, calibration -> {
            assertThat(calibration.similarity(dense, dense)).isCloseTo(1, within(1e-12));
            assertThat(calibration.similarity(dense.without(2, 1), dense)).isBetween(-1.0, 0.999);
        });
    }

    @Test
    void theLossOfOneSequenceIsGolden() {
        JsonNode golden = Golden.expected("llama-gqa", "scores.json").get("loss").get("ragged_per_sequence");
        Sequences ragged = Golden.sequences("ragged_ids", "ragged_mask");
        for (int i = 0; i < ragged.count(); i++) {
            double expected = golden.get(i).asDouble();
            calibrate("llama-gqa", ragged.slice(i, i + 1), Reading.DEFINITION, 1, Long.MAX_VALUE,
                    calibration -> assertThat(calibration.loss(dense("llama-gqa"))).isCloseTo(expected,
                            within(1e-4 * expected)));
        }
    }

    /** Rounding alone would make cosines a little larger than 1, and the share of such a layer negative. */
    @Test
    void influenceIsNeverNegativeWhereStatesHardlyChange() {
        Random random = new Random(3);
        float[] before = new float[1 << 14];
        float[] after = new float[before.length];
        for (int i = 0; i < before.length; i++) {
            before[i] = random.nextFloat();
            after[i] = random.nextInt(4) == 0 ? Math.nextUp(before[i]) : before[i];
        }
        try (var _ = new PointerScope()) {
            double[] cosines = Cosines.between(torch.tensor(before).view(-1, 4), torch.tensor(after).view(-1, 4));
            assertThat(Arrays.stream(cosines)).allMatch(cosine -> cosine > 1 - 1e-12 && cosine <= 1);
        }
    }
}
