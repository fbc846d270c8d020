package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Golden.Values;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.WideModels;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** A golden model on the golden calibration set, and the complete runs that its runs.json tells of. */
final class GoldenRun implements AutoCloseable {
    private final String model;
    private final JsonNode golden;
    private final Checkpoint checkpoint;
    private final Path folder;

    GoldenRun(String model, Path folder) {
        this.model = model;
        this.golden = Golden.expected(model, "runs.json");
        this.folder = folder;
        // Golden is computed in float32 after widening, so narrower checkpoints are widened first.
        this.checkpoint = Checkpoint.open(WideModels.float32(Golden.model(model), folder));
    }

    JsonNode run(String key) {
        return golden.get("runs").get(key);
    }

    int target() {
        return golden.get("target").asInt();
    }

    LayerStack dense() {
        return LayerStack.dense(ModelConfig.of(checkpoint).layers());
    }

    LocalCalibration calibration(Reading reading) {
        return calibration(Golden.calibration(), reading);
    }

    LocalCalibration calibration(Sequences tokens, Reading reading) {
        return new LocalCalibration(new LayerStore(checkpoint, ModelConfig.of(checkpoint)), tokens,
                TestDevice.float32(2), reading, 1 << 20, folder, Progress.NONE);
    }

    /** Whether there is such a run: the authors' code cannot run everywhere. */
    boolean has(String key) {
        return golden.get("runs").has(key);
    }

    /** Checks layers, calibration loss and logits of a result. */
    void assertResult(String key, LayerStack stack) {
        assertResult(key, stack, 1e-4, 1e-4);
    }

    void assertResult(String key, LayerStack stack, double lossTolerance, double logitTolerance) {
        JsonNode run = run(key);
        assertThat(stack.tree()).as(key).isEqualTo(run.get("tree").toString().replace(",", ", "));
        try (LocalCalibration calibration = calibration(Reading.DEFINITION)) {
            assertThat(calibration.loss(stack)).as(key + ": loss").isCloseTo(run.get("loss").asDouble(),
                    within(lossTolerance * run.get("loss").asDouble()));
        }
        Values expected = Golden.expected(model, "runs.safetensors", key + ".logits_tail");
        List<String> inputs = List.of("ids_a", "ids_b");
        for (int input = 0; input < 2; input++) {
            float[][] logits = WideModels.logits(checkpoint, stack, Golden.sequences(inputs.get(input), ""));
            for (int i = 0; i < 2; i++) {
                double[] tail = expected.slice(input).slice(i).values();
                float[] actual = logits[logits.length - 2 + i];
                for (int j = 0; j < tail.length; j++) {
                    assertThat((double) actual[j]).as(key).isCloseTo(tail[j],
                            within(logitTolerance + logitTolerance * Math.abs(tail[j])));
                }
            }
        }
    }

    /** Numbers within 1e-4 relative; null stands for what was forbidden, and is infinite. */
    static void assertClose(List<Double> actual, JsonNode expected, double factor, String what) {
        List<Double> values = Golden.doubles(expected);
        assertThat(actual).as(what).hasSameSizeAs(values);
        for (int i = 0; i < values.size(); i++) {
            if (Double.isInfinite(values.get(i))) {
                assertThat(actual.get(i)).as(what).isInfinite();
            } else {
                assertThat(actual.get(i) * factor).as(what).isCloseTo(values.get(i),
                        within(1e-4 * Math.abs(values.get(i))));
            }
        }
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
