package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.come.InvalidInputException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Whatever lies in a come.json, reading it ends in a plan whose steps follow from each other, or in one sentence.
 *
 * <p>A normal build reads some seconds' worth of random changes to plans of runs. {@code JAZZER_FUZZ=1 mvn -pl core test
 * -Dtest=PlanFuzzTests} lets Jazzer search, guided by coverage.
 */
class PlanFuzzTests {
    private static final Duration TIME = Duration.ofSeconds(4);
    private static final JsonMapper JSON = new JsonMapper();
    /** What takes the place of a value. */
    private static final List<String> VALUES = List.of("null", "true", "0", "-1", "3", "2147483648", "1e300",
            "99999999999999999999999", "0.5", "\"\"", "\"m1\"", "\"-Infinity\"", "[]", "{}", "[0]", "[[0]]",
            "{\"a\": [1]}", "\"" + "0".repeat(64) + "\"");

    @TempDir
    private Path folder;

    @FuzzTest
    void readsAnythingSafely(byte[] bytes) {
        read(bytes);
    }

    @Test
    void survivesRandomChanges() throws IOException {
        long seed = System.nanoTime();
        System.out.println("PlanFuzzTests: seed " + seed);
        Random random = new Random(seed);
        List<JsonNode> sound = new ArrayList<>();
        for (String name : List.of("merged", "healed", "distilled", "auto")) {
            Path first = Path.of("src/test/resources/dev/come/prune/come-plan-1/" + name + ".json");
            sound.add(JSON.readTree(Files.readString(first)));
            sound.add(JSON.readTree(PruningPlan.read(first).toJson()));
        }
        sound.forEach(plan -> assertThat(read(plan.toString().getBytes(StandardCharsets.UTF_8))).isTrue());
        for (long end = System.nanoTime() + TIME.toNanos(); System.nanoTime() < end;) {
            JsonNode changed = sound.get(random.nextInt(sound.size())).deepCopy();
            for (int change = 0; change <= random.nextInt(3); change++) {
                change(changed, random);
            }
            read(changed.toString().getBytes(StandardCharsets.UTF_8));
        }
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

    /** Changes something somewhere below a node. */
    private static void change(JsonNode node, Random random) {
        if (node.isEmpty()) {
            return;
        }
        int at = random.nextInt(node.size());
        JsonNode child = node instanceof ObjectNode object
                ? object.get(List.copyOf(object.propertyNames()).get(at))
                : node.get(at);
        if (child.isContainer() && !child.isEmpty() && random.nextInt(8) > 0) {
            change(child, random);
            return;
        }
        JsonNode value = random.nextBoolean()
                ? JSON.readTree(VALUES.get(random.nextInt(VALUES.size())))
                : node.isArray() ? node.get(random.nextInt(node.size())).deepCopy() : child;
        switch (node) {
            case ObjectNode object -> {
                String key = List.copyOf(object.propertyNames()).get(at);
                if (random.nextInt(3) == 0) {
                    object.remove(key);
                } else {
                    object.set(random.nextInt(6) == 0 ? key + "s" : key, value);
                }
            }
            case ArrayNode array -> {
                switch (random.nextInt(3)) {
                    case 0 -> array.remove(at);
                    case 1 -> array.insert(at, value);
                    default -> array.set(at, value);
                }
            }
            default -> throw new AssertionError(node);
        }
    }
}
