package dev.come.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import dev.come.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The model that is checked in. */
class DemoModelTests {
    /** Measured when the model was trained; float32, windows of 128 tokens. */
    private static final double LOSS = 0.80382;
    /** What the least important layer is worth at least, in nats; 0.017 were measured on the whole text. */
    private static final double LEAST_RISE = 0.01;

    @TempDir
    private Path folder;

    @BeforeEach
    void unpack() {
        DemoModel.unpack(folder.resolve("model"));
    }

    private Sequences testWindows() {
        try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("model"))) {
            return Sequences.windows(tokenizer.encode(DemoModel.testText()), DemoModel.SEQUENCE_LENGTH);
        }
    }

    private void measure(Sequences tokens, Consumer<LocalCalibration> questions) {
        try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("model"));
                LocalCalibration calibration = new LocalCalibration(
                        new LayerStore(checkpoint, ModelConfig.of(checkpoint)), tokens, TestDevice.float32(2),
                        Reading.DEFINITION, Long.MAX_VALUE, folder, Progress.NONE)) {
            questions.accept(calibration);
        }
    }

    private static LayerStack without(LayerStack stack, int... positions) {
        List<LayerNode> nodes = new ArrayList<>(stack.nodes());
        for (int position : positions) {
            nodes.remove(stack.get(position));
        }
        return new LayerStack(nodes);
    }

    /** The loss of a model that knows only how often each token occurs. */
    private static double unigramLoss(Sequences text) {
        int[] counts = new int[StoryTokenizer.vocabularySize()];
        Arrays.stream(text.tokens()).forEach(token -> counts[token]++);
        double total = text.tokenCount();
        return Arrays.stream(counts).filter(count -> count > 0).mapToDouble(count -> -count / total
                * Math.log(count / total)).sum();
    }

    @Test
    void theFolderIsSmallAndUnpackingItAgainChangesNothing() throws IOException {
        DemoModel.unpack(folder.resolve("model"));
        long bytes = 0;
        try (Stream<Path> files = Files.list(folder.resolve("model"))) {
            for (Path file : files.toList()) {
                bytes += Files.size(file);
            }
        }
        assertThat(bytes).isBetween(1_000_000L, 6_000_000L);
    }

    @Test
    void itIsTheModelThatTrainingMakes() throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("model"))) {
            assertThat(ModelConfig.of(checkpoint)).isEqualTo(Recipe.EMBEDDED.config());
        }
        new DemoTrainer(new Recipe(Recipe.EMBEDDED.configuration(), 2, 1), DemoModel.SEED).train(folder.resolve("made"),
                Progress.NONE);
        for (String name : List.of("config.json", "generation_config.json", "tokenizer.json",
                "tokenizer_config.json")) {
            assertThat(folder.resolve("model").resolve(name))
                    .hasSameTextualContentAs(folder.resolve("made").resolve(name));
        }
    }

    @Test
    void itPredictsStoriesAsWellAsWhenItWasTrained() {
        Sequences text = testWindows();
        measure(text, calibration -> assertThat(calibration.loss(LayerStack.dense(10))).isCloseTo(LOSS, within(1e-4)));
        assertThat(unigramLoss(text)).isGreaterThan(3.5);
    }

    @Test
    void everyLayerMatters() {
        LayerStack dense = LayerStack.dense(10);
        measure(testWindows().slice(0, 32), calibration -> {
            double loss = calibration.loss(dense);
            assertThat(IntStream.range(0, dense.size()))
                    .allSatisfy(layer -> assertThat(calibration.loss(without(dense, layer)))
                            .isGreaterThan(loss + LEAST_RISE));
        });
    }
}
