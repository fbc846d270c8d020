package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

/** Golden: runs.json, complete progressive runs of CoMe and CoMe-P. */
class ConcatMergeTests {
    static final List<String> MODELS = Golden.MODELS;

    @TempDir
    private Path folder;

    private static ConcatMerge concatMerge(SkipMethod skip, int mergeItem, boolean withoutRepeat) {
        return new ConcatMerge(new ConcatMerge.Options(skip, mergeItem, withoutRepeat, 1, 0, Compat.NONE));
    }

    private static ConcatMergeP concatMergeP(int granularity) {
        return new ConcatMergeP(new ConcatMergeP.Options(SkipMethod.BI, 2, false, granularity, Compat.NONE));
    }

    private static Map<String, PruningMethod> runs() {
        Map<String, PruningMethod> runs = new LinkedHashMap<>();
        runs.put("come", new ConcatMerge(ConcatMerge.Options.DEFAULTS));
        runs.put("come_wo_repeat", concatMerge(SkipMethod.BI, 2, true));
        runs.put("come_item3", concatMerge(SkipMethod.BI, 3, false));
        runs.put("come_item3_wo_repeat", concatMerge(SkipMethod.BI, 3, true));
        runs.put("come_psu2_floor",
                new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 2, false, 2, 0.8, Compat.NONE)));
        runs.put("come_reference",
                new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 0, Compat.REFERENCE)));
        runs.put("come_sleb", concatMerge(SkipMethod.SLEB, 2, false));
        runs.put("come_last", concatMerge(SkipMethod.MKA, 2, false));
        runs.put("come_p20", concatMergeP(20));
        runs.put("come_p6", concatMergeP(6));
        return runs;
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void wholeRunsEqualGolden(String model) {
        try (GoldenRun golden = new GoldenRun(model, folder)) {
            runs().forEach((key, method) -> {
                if (!golden.has(key)) {
                    assertThat(model).as("the only one whose last state the authors' code cannot compare")
                            .isEqualTo("opt-350m-like");
                    return;
                }
                boolean reference = key.equals("come_reference");
                try (LocalCalibration calibration = golden
                        .calibration(reference ? Reading.REFERENCE : Reading.DEFINITION)) {
                    LayerStack stack = replay(method, key, golden, calibration, reference);
                    golden.assertResult(key, stack);
                }
            });
        }
    }

    private static LayerStack replay(PruningMethod method, String key, GoldenRun golden, LocalCalibration calibration,
            boolean reference) {
        LayerStack stack = golden.dense();
        for (JsonNode expected : golden.run(key).get("steps")) {
            LayerStack before = stack;
            if (expected.has("exhausted")) {
                assertThatThrownBy(() -> method.next(before, golden.target(), calibration))
                        .isInstanceOf(NothingToDoException.class)
                        .hasMessageContaining(before.size() + " layers are reached");
                return stack;
            }
            calibration.focus(stack);
            PruningStep step = method.next(stack, golden.target(), calibration).getFirst();
            // The authors' scores are sums where ours are means.
            assertScores(step, "angular_distance", expected, "windows",
                    reference ? Golden.calibration().count() : 1, key);
            assertScores(step, "loss_without", expected, "windows", 1, key);
            assertScores(step, "block_influence", expected, "bi", reference ? Golden.calibration().tokenCount() : 1,
                    key);
            assertScores(step, "loss_by_ratio", expected, "search_losses", 1, key);
            assertThat(step.position()).as(key).isEqualTo(expected.get("layers").get(0).asInt());
            assertThat(step.count()).isEqualTo(expected.get("layers").size());
            GoldenRun.assertClose(step.ratio(), expected.get("ratio"), 1, key);
            Concatenated merged = (Concatenated) step.stack().get(step.position());
            for (int i = 0; i < step.count(); i++) {
                assertThat(merged.shares().get(i).keyValueHeads())
                        .isEqualTo(Golden.integers(expected.get("groups").get(i)));
                assertThat(merged.shares().get(i).channels())
                        .isEqualTo(Golden.integers(expected.get("neurons").get(i)));
            }
            stack = step.stack();
        }
        return stack;
    }

    private static void assertScores(PruningStep step, String name, JsonNode expected, String key, double factor,
            String run) {
        List<Double> scores = step.scores().get(name);
        if (scores != null) {
            GoldenRun.assertClose(scores, expected.get(key), factor, run + ": " + name);
        }
    }

    @Test
    void everyKindOfScoreIsCompared() {
        try (GoldenRun golden = new GoldenRun("llama-gqa", folder);
                LocalCalibration calibration = golden.calibration(Reading.DEFINITION)) {
            assertThat(scores(new ConcatMerge(ConcatMerge.Options.DEFAULTS), golden, calibration))
                    .contains("angular_distance", "block_influence");
            assertThat(scores(concatMerge(SkipMethod.SLEB, 2, false), golden, calibration)).contains("loss_without");
            assertThat(scores(concatMergeP(6), golden, calibration)).contains("loss_by_ratio", "angular_distance");
        }
    }

    private static Iterable<String> scores(PruningMethod method, GoldenRun golden, LocalCalibration calibration) {
        return method.next(golden.dense(), golden.target(), calibration).getFirst().scores().keySet();
    }

    @Test
    void optionsThatMakeNoSenseAreNamed() {
        assertThatThrownBy(() -> concatMerge(SkipMethod.BI, 1, false)).isInstanceOf(UsageException.class)
                .hasMessageContaining("--merge-item is 1");
        assertThatThrownBy(() -> new ConcatMerge.Options(SkipMethod.BI, 2, false, -1, 0, Compat.NONE))
                .hasMessageContaining("--psu is -1");
        assertThatThrownBy(() -> new ConcatMerge.Options(SkipMethod.BI, 2, false, Double.NaN, 0, Compat.NONE))
                .hasMessageContaining("--psu is NaN");
        assertThatThrownBy(() -> new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 1.5, Compat.NONE))
                .hasMessageContaining("--min-max is 1.5");
        assertThatThrownBy(() -> concatMergeP(0)).hasMessageContaining("--granularity is 0");
        assertThatThrownBy(() -> new ConcatMergeP.Options(SkipMethod.BI, 3, false, 20, Compat.NONE))
                .hasMessageContaining("--merge-item is 3").hasMessageContaining("2 only");
    }

    @Test
    void roundsAreCountedBeforehand() {
        assertThat(concatMerge(SkipMethod.BI, 2, false).cost(30, 21).rounds()).isEqualTo(9);
        assertThat(concatMerge(SkipMethod.BI, 3, false).cost(30, 21).rounds()).isEqualTo(5);
        assertThat(concatMergeP(20).cost(30, 21).rounds()).isEqualTo(9);
    }
}
