package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.calibration.Calibration.Tokens;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.assertj.core.data.Percentage;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

class CalibrationTests {
    static final List<String> LLAMAS = Golden.LLAMAS;

    @TempDir
    private Path folder;

    /** Golden: scores.json, tolerance 1e-4 relative. */
    static void assertScores(List<Double> actual, JsonNode expected, String what) {
        List<Double> values = Golden.doubles(expected);
        assertThat(actual).as(what).hasSameSizeAs(values);
        for (int i = 0; i < values.size(); i++) {
            assertThat(actual.get(i)).as(what + " at " + i).isCloseTo(values.get(i), Percentage.withPercentage(0.01));
        }
    }

    private void calibrate(String model, Sequences tokens, Reading reading, int threads, long memory,
            Consumer<LocalCalibration> questions) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(model));
                LocalCalibration calibration = new LocalCalibration(
                        new LayerStore(checkpoint, ModelConfig.of(checkpoint)), tokens, Compute.float32(threads),
                        reading, memory, folder, Progress.NONE.begin("", 0, ""))) {
            questions.accept(calibration);
        }
    }

    private static LayerStack dense(String model) {
        return LayerStack.dense(model.equals("llama-deep") ? 12 : 6);
    }

    @ParameterizedTest
    @FieldSource("LLAMAS")
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

    @ParameterizedTest
    @FieldSource("LLAMAS")
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
    @FieldSource("LLAMAS")
    void theReferenceReadingEqualsTheAuthorsCode(String model) {
        JsonNode seed = Golden.expected(model, "scores.json").get("seed");
        Sequences tokens = Golden.calibration();
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
        int[] layersRun = {0};
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"));
                LocalCalibration calibration = new LocalCalibration(
                        new LayerStore(checkpoint, ModelConfig.of(checkpoint)), Golden.calibration(),
                        Compute.float32(1), Reading.DEFINITION, Long.MAX_VALUE, folder,
                        steps -> layersRun[0] += (int) steps)) {
            LayerStack stack = LayerStack.dense(6);
            calibration.blockInfluence(stack);
            assertThat(layersRun[0]).isEqualTo(6);
            LayerStack shorter = stack.replace(3, 2, stack.get(4));
            double loss = calibration.loss(shorter);
            assertThat(layersRun[0]).isEqualTo(8);
            calibration.focus(shorter);
            assertThat(calibration.loss(shorter)).isEqualTo(loss);
            assertThat(layersRun[0]).isEqualTo(8);
            calibration.loss(stack);
            assertThat(layersRun[0]).as("what is out of focus is forgotten").isEqualTo(11);
        }
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
