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
import dev.come.prune.SkipMethod;
import dev.come.stack.LayerStack;
import dev.come.text.Sequences;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
                .of(WordModels.family(name, 32, folder.resolve("work")))
                .readingFrom(WordModels.text(folder.resolve("words.txt"), 70, 32));
        run.samples = 40;
        try (Checkpoint dense = UsualNames.open(run.model)) {
            run.targetLayers = ModelConfig.of(dense).layers() - 1;
            logits(dense, folder.resolve("dense.json"));
        }
        saved(run, "removed", new Manual(new Manual.Options(List.of(2))));
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        saved(run, "healed", new Manual(new Manual.Options(List.of(2))));
        run.healing = Optional.empty();
        saved(run, "merged", new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 0, Compat.NONE)));
        run.train("merged", "trained");
        written(run, "trained");
    }

    private static void saved(Run run, String name, PruningMethod method) throws IOException {
        run.job(name, Progress.NONE, List.of(method)).run();
        written(run, name);
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
        Files.writeString(file, JsonNodeFactory.instance.objectNode().<ObjectNode>set("ids",
                JsonNodeFactory.instance.arrayNode().addAll(IntStream.of(ids)
                        .<JsonNode>mapToObj(JsonNodeFactory.instance::numberNode).toList()))
                .set("logits", rows).toString());
    }
}
