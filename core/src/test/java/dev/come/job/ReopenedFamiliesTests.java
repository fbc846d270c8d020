package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Progress;
import dev.come.WideModels;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.heal.Healing;
import dev.come.model.Families;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.model.Wrapper;
import dev.come.prune.Compat;
import dev.come.prune.ConcatMerge;
import dev.come.prune.Manual;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.prune.SkipMethod;
import dev.come.stack.LayerStack;
import dev.come.text.Sequences;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes what methods and healing make of every family, with our logits beside it, for benchmarks/families, which opens the folders
 * in transformers: {@code -Dcome.families=FOLDER}. Of Qwen 3 VL the first layers must stay.
 */
@EnabledIfSystemProperty(named = "come.families", matches = ".+",
        disabledReason = "writes models for benchmarks/families: -Dcome.families=FOLDER")
class ReopenedFamiliesTests {
    private static final int TOKENS = 16;
    private static final Path TO = Path.of(System.getProperty("come.families", "")).toAbsolutePath();

    static Stream<String> models() {
        String only = System.getProperty("come.families.only", "");
        return Stream.concat(Families.ALL.stream().flatMap(family -> family.checkedBy().stream()),
                Wrapper.ALL.stream().flatMap(wrapper -> wrapper.checkedBy().stream())).distinct()
                .filter(name -> only.isEmpty() || Arrays.asList(only.split(",")).contains(name));
    }

    @ParameterizedTest
    @MethodSource("models")
    void write(String name) throws IOException {
        Path folder = Files.createDirectories(TO.resolve(name));
        Run run = new Run("llama-gqa", Files.createDirectories(folder.resolve("work")))
                .of(WordModels.family(name, 32, folder.resolve("dense")))
                .readingFrom(WordModels.text(folder.resolve("words.txt"), 400, 32));
        run.samples = 40;
        try (Checkpoint dense = UsualNames.open(run.model)) {
            run.targetLayers = ModelConfig.of(dense).layers() - 1;
            logits(dense, folder.resolve("dense.json"));
        }
        saved(run, "removed", new Manual(new Manual.Options(List.of(2))));
        ConcatMerge merge = new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 0, Compat.NONE));
        saved(run, "merged", merge);
        run.samples = 300;
        run.healing = Optional
                .of(new Healing.Options(Healing.Scope.ALL, Healing.Targets.ALL, Healing.Weights.UNIFORM, 1));
        run.overwrite = true;
        healed(run, merge);
        run.overwrite = false;
        run.healing = Optional.empty();
        run.samples = 40;
        run.train("merged", "trained");
        written(run, "trained");
    }

    private static void saved(Run run, String name, PruningMethod method) throws IOException {
        run.job(name, Progress.NONE, List.of(method)).run();
        written(run, name);
    }

    /** Random layers tell little of each other, so one edit is healed after another until that changes a layer; perhaps none does. */
    private static void healed(Run run, PruningMethod first) throws IOException {
        int layers = run.targetLayers + 1;
        List<PruningMethod> methods = new ArrayList<>(List.of(first));
        for (int layer = layers - 1; layer >= 0; layer--) {
            methods.add(new Manual(new Manual.Options(List.of(layer))));
        }
        for (int layer = layers - 1; layer >= 2; layer--) {
            methods.add(new Manual(new Manual.Options(List.of(layer - 2, layer))));
        }
        for (PruningMethod method : methods) {
            run.targetLayers = method instanceof Manual(Manual.Options some)
                    ? layers - some.layers().size()
                    : layers - 1;
            saved(run, "healed", method);
            if (PruningPlan.read(run.target("healed/come.json")).isHealed()) {
                run.targetLayers = layers - 1;
                return;
            }
        }
        run.targetLayers = layers - 1;
        Files.delete(run.target("healed").resolve("../../healed.json")); // nothing to compare
    }

    private static void written(Run run, String name) throws IOException {
        Path saved = run.target(name);
        try (Checkpoint checkpoint = UsualNames.open(saved)) {
            logits(checkpoint, saved.resolve("../../" + name + ".json"));
        }
        assertThat(saved.resolve("config.json")).exists();
    }

    private static void logits(Checkpoint checkpoint, Path file) throws IOException {
        int[] ids = IntStream.range(0, TOKENS).map(i -> 3 + (i * i * 7 + 11 * i) % 29).toArray();
        float[][] logits = WideModels.logits(checkpoint, LayerStack.dense(ModelConfig.of(checkpoint).layers()),
                Sequences.of(List.of(ids)));
        ArrayNode rows = JsonNodeFactory.instance.arrayNode();
        for (float[] row : logits) {
            ArrayNode one = rows.addArray();
            for (float value : row) {
                one.add(value);
            }
        }
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        all.set("ids", JsonNodeFactory.instance.arrayNode().addAll(IntStream.of(ids)
                .<JsonNode>mapToObj(JsonNodeFactory.instance::numberNode).toList()));
        all.set("logits", rows);
        Files.writeString(file, all.toString());
    }
}
