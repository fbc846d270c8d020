package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Golden.Values;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WideModels;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

/** Golden: runs.json, complete progressive runs. */
class ConcatMergeTests {
    static final List<String> LLAMAS = Golden.LLAMAS;

    private static final Map<String, ConcatMerge.Options> RUNS = Map.of( //
            "come", ConcatMerge.Options.DEFAULTS, //
            "come_wo_repeat", new ConcatMerge.Options(2, true, 1, 0, false), //
            "come_item3", new ConcatMerge.Options(3, false, 1, 0, false), //
            "come_item3_wo_repeat", new ConcatMerge.Options(3, true, 1, 0, false), //
            "come_psu2_floor", new ConcatMerge.Options(2, false, 2, 0.8, false), //
            "come_reference", new ConcatMerge.Options(2, false, 1, 0, true));

    @TempDir
    private Path folder;

    @ParameterizedTest
    @FieldSource("LLAMAS")
    void wholeRunsEqualGolden(String model) {
        JsonNode golden = Golden.expected(model, "runs.json");
        RUNS.forEach((key, options) -> {
            JsonNode run = golden.get("runs").get(key);
            // Golden is computed in float32 after widening, so narrower checkpoints are widened first.
            try (Checkpoint checkpoint = Checkpoint.open(WideModels.float32(Golden.model(model), folder));
                    LocalCalibration calibration = calibration(checkpoint, options.reference())) {
                LayerStack stack = replay(new ConcatMerge(options), run, golden.get("target").asInt(), calibration);
                assertThat(stack.tree()).as(key).isEqualTo(tree(run.get("tree")));
                assertThat(calibration.loss(stack)).as(key + ": loss").isCloseTo(run.get("loss").asDouble(),
                        within(1e-4 * run.get("loss").asDouble()));
                assertLogits(checkpoint, stack, Golden.expected(model, "runs.safetensors", key + ".logits_tail"), key);
            }
        });
    }

    private LocalCalibration calibration(Checkpoint checkpoint, boolean reference) {
        return new LocalCalibration(new LayerStore(checkpoint, ModelConfig.of(checkpoint)), Golden.calibration(),
                Compute.float32(2), reference ? Reading.REFERENCE : Reading.DEFINITION, 1 << 20, folder,
                Progress.NONE.begin("", 0, ""));
    }

    private static LayerStack replay(ConcatMerge method, JsonNode run, int target, LocalCalibration calibration) {
        LayerStack stack = LayerStack.dense(run.get("steps").get(0).get("layers_before").asInt());
        for (JsonNode expected : run.get("steps")) {
            LayerStack before = stack;
            if (expected.has("exhausted")) {
                assertThatThrownBy(() -> method.step(before, target, calibration))
                        .isInstanceOf(NothingToDoException.class)
                        .hasMessageContaining(before.size() + " layers are reached");
                return stack;
            }
            PruningStep step = method.step(stack, target, calibration);
            assertClose(step.scores().getOrDefault("angular_distance", List.of()), expected.get("windows"),
                    method.options().reference() ? Golden.calibration().count() : 1);
            assertClose(step.scores().getOrDefault("block_influence", List.of()), expected.get("bi"),
                    method.options().reference() ? Golden.calibration().tokenCount() : 1);
            assertThat(step.position()).isEqualTo(expected.get("layers").get(0).asInt());
            assertThat(step.count()).isEqualTo(expected.get("layers").size());
            assertClose(step.ratio(), expected.get("ratio"), 1);
            Concatenated merged = (Concatenated) step.stack().get(step.position());
            for (int i = 0; i < step.count(); i++) {
                assertThat(merged.shares().get(i).keyValueHeads())
                        .isEqualTo(Golden.integers(expected.get("groups").get(i)));
                assertThat(merged.shares().get(i).channels())
                        .isEqualTo(Golden.integers(expected.get("neurons").get(i)));
            }
            stack = step.stack();
            calibration.focus(stack);
        }
        return stack;
    }

    /** Scores within 1e-4 relative; the authors' are sums where ours are means. */
    private static void assertClose(List<Double> actual, JsonNode expected, double terms) {
        List<Double> values = Golden.doubles(expected);
        assertThat(actual).hasSameSizeAs(values);
        for (int i = 0; i < values.size(); i++) {
            if (Double.isInfinite(values.get(i))) {
                assertThat(actual.get(i)).isInfinite();
            } else {
                assertThat(actual.get(i) * terms).isCloseTo(values.get(i), within(1e-4 * Math.abs(values.get(i))));
            }
        }
    }

    private static String tree(JsonNode node) {
        return node.toString().replace(",", ", ");
    }

    private static void assertLogits(Checkpoint checkpoint, LayerStack stack, Values expected, String what) {
        List<String> inputs = List.of("ids_a", "ids_b");
        for (int input = 0; input < 2; input++) {
            float[][] logits = WideModels.logits(checkpoint, stack, Golden.sequences(inputs.get(input), ""));
            for (int i = 0; i < 2; i++) {
                double[] tail = expected.slice(input).slice(i).values();
                float[] actual = logits[logits.length - 2 + i];
                for (int j = 0; j < tail.length; j++) {
                    assertThat((double) actual[j]).as(what).isCloseTo(tail[j], within(1e-4 + 1e-4 * Math.abs(tail[j])));
                }
            }
        }
    }

    @Test
    void optionsThatMakeNoSenseAreNamed() {
        assertThatThrownBy(() -> new ConcatMerge.Options(1, false, 1, 0, false)).isInstanceOf(UsageException.class)
                .hasMessageContaining("--merge-item is 1");
        assertThatThrownBy(() -> new ConcatMerge.Options(2, false, -1, 0, false)).hasMessageContaining("--psu is -1");
        assertThatThrownBy(() -> new ConcatMerge.Options(2, false, Double.NaN, 0, false))
                .hasMessageContaining("--psu is NaN");
        assertThatThrownBy(() -> new ConcatMerge.Options(2, false, 1, 1.5, false))
                .hasMessageContaining("--min-max is 1.5");
    }

    @Test
    void stepsAreCountedBeforehand() {
        assertThat(new ConcatMerge(ConcatMerge.Options.DEFAULTS).steps(30, 21)).isEqualTo(9);
        assertThat(new ConcatMerge(new ConcatMerge.Options(3, false, 1, 0, false)).steps(30, 21)).isEqualTo(5);
    }
}
