package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerStack;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

/** Golden: runs.json, the methods that add layers up: MKA and LaCo. */
class AddingMethodsTests {
    static final List<String> MODELS = Golden.MODELS;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @FieldSource("MODELS")
    void mkaEqualsGolden(String model) {
        try (GoldenRun golden = new GoldenRun(model, folder);
                LocalCalibration calibration = golden.calibration(Golden.sequences("mka_ids", "mka_mask"),
                        Reading.DEFINITION)) {
            for (Scope scope : Scope.values()) {
                String key = scope == Scope.ALL ? "mka" : "mka_matrices_only";
                List<PruningStep> steps = new Mka(new Mka.Options(8, scope)).next(golden.dense(), golden.target(),
                        calibration);
                JsonNode similarity = golden.run("mka_similarity").get("similarity");
                List<Double> means = steps.getFirst().scores().sequencedValues().getFirst();
                for (int i = 0; i < means.size(); i++) {
                    double mean = Golden.doubles(similarity.get(i)).stream().mapToDouble(x -> x).average()
                            .orElseThrow();
                    assertThat(means.get(i)).as(model).isCloseTo(mean, within(0.02));
                }
                for (int i = 0; i < steps.size(); i++) {
                    JsonNode ratio = golden.run(key).get("steps").get(i).get("ratio");
                    assertThat(steps.get(i).ratio().getFirst()).isCloseTo(ratio.get(0).asDouble(), within(1e-3));
                }
                golden.assertResult(key, steps.getLast().stack(), 1e-3, 1e-2);
            }
        }
    }

    @Test
    void mkaWithTooFewSamplesSaysHowManyItNeeds() {
        try (GoldenRun golden = new GoldenRun("llama-gqa", folder);
                LocalCalibration calibration = golden.calibration(Reading.DEFINITION)) {
            assertThatThrownBy(() -> new Mka(Mka.Options.DEFAULTS).next(golden.dense(), golden.target(), calibration))
                    .isInstanceOf(InvalidInputException.class).hasMessageContaining("50 nearest neighbours")
                    .hasMessageContaining("only 4 samples").hasMessageContaining("--nsamples");
        }
        assertThatThrownBy(() -> new Mka.Options(0, Scope.ALL)).isInstanceOf(UsageException.class)
                .hasMessageContaining("--kernel-sigma");
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void lacoEqualsGolden(String model) {
        try (GoldenRun golden = new GoldenRun(model, folder);
                LocalCalibration calibration = golden.calibration(Reading.DEFINITION)) {
            for (Laco.Variant variant : Laco.Variant.values()) {
                String key = "laco_" + variant.name().toLowerCase(Locale.ROOT);
                assertLaco(golden, key, variant, false, 1, calibration);
                assertLaco(golden, key + "_target", variant, true, golden.target(), calibration);
            }
        }
    }

    private static void assertLaco(GoldenRun golden, String key, Laco.Variant variant, boolean toTarget, int target,
            LocalCalibration calibration) {
        JsonNode run = golden.run(key);
        JsonNode options = run.get("options");
        Laco laco = new Laco(new Laco.Options(variant, options.get("combine").asInt(), options.get("interval").asInt(),
                options.get("low").asInt(), options.get("high").asInt(), options.get("threshold").asDouble(),
                toTarget ? options.get("step").asDouble() : 0.1), toTarget);
        JsonNode traces = toTarget ? run.get("passes") : null;
        JsonNode lastTrace = traces == null ? run.get("trace") : traces.get(traces.size() - 1).get("trace");
        List<JsonNode> accepted = new ArrayList<>();
        lastTrace.forEach(entry -> {
            if (entry.get("accepted").asBoolean() && entry.get("k").asInt() > 0) {
                accepted.add(entry);
            }
        });
        if (run.has("error") || accepted.isEmpty()) {
            assertThatThrownBy(() -> laco.next(golden.dense(), target, calibration))
                    .isInstanceOf(NothingToDoException.class);
            return;
        }
        List<PruningStep> steps = laco.next(golden.dense(), target, calibration);
        assertThat(steps).as(key).hasSameSizeAs(accepted);
        for (int i = 0; i < steps.size(); i++) {
            PruningStep step = steps.get(i);
            assertThat(step.position()).as(key).isEqualTo(accepted.get(i).get("lay").asInt());
            assertThat(step.count()).as(key).isEqualTo(accepted.get(i).get("k").asInt() + 1);
            assertThat(step.scores().sequencedValues().getFirst().get(step.position())).as(key)
                    .isCloseTo(accepted.get(i).get("similarity").asDouble(), within(1e-4));
        }
        if (traces != null) {
            assertThat(steps.getFirst().scores().getOrDefault("thresholds_of_all_passes", List.of())).as(key)
                    .hasSize(traces.size());
        }
        golden.assertResult(key, steps.getLast().stack());
    }

    @Test
    void lacoThatCannotBeginSaysSo() {
        Laco laco = new Laco(Laco.Options.DEFAULTS);
        assertThat(laco.cost(30, 21).rounds()).isEqualTo(1);
        assertThatThrownBy(() -> laco.cost(5, 3)).isInstanceOf(UsageException.class)
                .hasMessageContaining("--merge-layers 4");
        assertThatThrownBy(
                () -> new Laco(new Laco.Options(Laco.Variant.RDSC, 4, 2, 1, 40, 0.65, 0.05)).cost(30, 21))
                .hasMessageContaining("--highest 40");
        assertThatThrownBy(() -> new Laco.Options(Laco.Variant.RDSC, 4, 2, 1, -1, 1.5, 0.05))
                .hasMessageContaining("--threshold is 1.5");
    }

    @Test
    void aResultOfOneLayerIsTheLeastThatThereIs() {
        try (GoldenRun golden = new GoldenRun("llama-gqa", folder);
                LocalCalibration calibration = golden.calibration(Reading.DEFINITION)) {
            LayerStack one = Pruning.run(new Reverse(Reverse.Options.DEFAULTS), golden.dense(), 1, calibration,
                    steps -> {
                    });
            assertThat(one.tree()).isEqualTo("[0]");
            assertThat(Pruning.run(new Reverse(Reverse.Options.DEFAULTS), one, 1, calibration, steps -> {
                throw new AssertionError("there is nothing to remove");
            })).isEqualTo(one);
        }
    }
}
