package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.come.InvalidInputException;
import dev.come.RandomChanges;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/**
 * Whatever lies in a come.json, reading it ends in a plan whose steps follow from each other, or in one sentence.
 *
 * <p>A normal build reads some seconds' worth of random changes to plans of runs. {@code JAZZER_FUZZ=1 mvn -pl core test
 * -Dtest=PlanFuzzTests} lets Jazzer search, guided by coverage.
 */
class PlanFuzzTests {
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    private Path folder;

    @FuzzTest
    void readsAnythingSafely(byte[] bytes) {
        read(bytes);
    }

    @Test
    void survivesRandomChanges() throws IOException {
        List<byte[]> sound = new ArrayList<>();
        for (String name : List.of("merged", "healed", "distilled", "auto")) {
            Path first = Path.of("src/test/resources/dev/come/prune/come-plan-1/" + name + ".json");
            for (String plan : List.of(Files.readString(first), PruningPlan.read(first).toJson())) {
                sound.add(JSON.readTree(plan).toString().getBytes(StandardCharsets.UTF_8));
            }
        }
        RandomChanges.readJson("PlanFuzzTests", sound, RandomChanges.JSON, this::read);
    }

    /** Whether the bytes were taken for a plan. */
    private boolean read(byte[] bytes) {
        Path file = folder.resolve("come.json");
        try {
            PruningPlan plan = PruningPlan.read(Files.write(file, bytes));
            assertSound(plan);
            // What was taken is written as it was understood.
            Files.writeString(file, plan.toJson());
            PruningPlan again = PruningPlan.read(file);
            assertThat(again.steps()).isEqualTo(plan.steps());
            assertThat(again.toJson()).isEqualTo(plan.toJson());
            return true;
        } catch (InvalidInputException e) {
            assertThat(e).hasMessageContaining("come.json").hasMessageNotContaining("\n");
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Layers never multiply, change places or come back, and every share is one. */
    private static void assertSound(PruningPlan plan) {
        int before = plan.layers();
        for (PruningStep step : plan.steps()) {
            assertThat(step.layersBefore()).isEqualTo(before);
            assertThat(step.stack().nodes().stream().flatMapToInt(node -> node.originals()).toArray())
                    .isSorted().doesNotHaveDuplicates();
            assertThat(step.ratio()).allMatch(share -> share > -1e-5 && share < 1 + 1e-5);
            before = step.stack().size();
        }
    }
}
