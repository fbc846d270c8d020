package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that nest a hundred thousand times: whoever walked through them by recursion would run out of stack. */
class DeepFilesTests {
    private static final int DEPTH = 100_000;
    private static final String DEEP = "[".repeat(DEPTH) + "]".repeat(DEPTH);
    private static final int INVALID = 3;

    @TempDir
    private Path folder;
    private Trial trial;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
    }

    private static void assertRefused(List<String> arguments, String file) {
        Outcome outcome = Trial.run(arguments);
        List<String> lines = outcome.err().lines().filter(line -> line.startsWith("come: ")).toList();
        assertThat(lines).as(outcome.err()).hasSize(1);
        assertThat(lines.getFirst()).contains(file).doesNotContain("unexpected", "-Xss");
        assertThat(outcome.exitCode()).as(lines.getFirst()).isEqualTo(INVALID);
    }

    @ParameterizedTest
    @ValueSource(strings = {"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
        "model.safetensors.index.json"})
    void aModelWithADeepFileIsRefusedByTheNameOfTheFile(String name) throws IOException {
        Path file = trial.model.resolve(name);
        String content = Files.exists(file) ? Files.readString(file) : "{\"a\": 1}";
        Files.writeString(file, content.strip().replaceFirst("\\{", "{\"deep\": " + DEEP + ", "));
        if (name.contains("index")) {
            Files.delete(trial.model.resolve("model.safetensors"));
        }
        assertRefused(List.of("generate", "--model-name", trial.model.toString(), "--prompt", "w3 w4",
                "--max-new-tokens", "2", "--threads", "1"), name);
    }

    @Test
    void aDeepHeaderOfWeightsIsRefused() throws IOException {
        byte[] header = ("{\"a\": " + DEEP + "}").getBytes(StandardCharsets.UTF_8);
        Files.write(trial.model.resolve("model.safetensors"), ByteBuffer.allocate(Long.BYTES + header.length)
                .order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).put(header).array());
        assertRefused(List.of("inspect", trial.model.toString()), "model.safetensors");
    }

    @Test
    void aDeepTaskIsRefused() throws IOException {
        Path task = Files.writeString(folder.resolve("deep.json"), "{\"task\": " + DEEP + "}");
        assertRefused(List.of("eval", "--model-name", trial.model.toString(), "--tasks", task.toString(), "--data-dir",
                folder.toString(), "--threads", "1"), "deep.json");
    }

    private List<String> apply(Path plan) {
        return List.of("apply", "--plan", plan.toString(), "--model-name", trial.model.toString(), "--save-path",
                folder.resolve("applied").toString());
    }

    @Test
    void aDeepPlanIsRefused() throws IOException {
        assertRefused(apply(Files.writeString(folder.resolve("come.json"), "{\"format\": " + DEEP + "}")), "come.json");
    }

    /** Recipes refer to each other by name, so that a flat file nests as well. */
    @Test
    void recipesThatLieInEachOtherAreRefused() throws IOException {
        assertThat(Trial.run(trial.prune()).exitCode()).isZero();
        Path plan = folder.resolve("out/come.json");
        String text = Files.readString(plan);
        int start = text.indexOf("\"nodes\"");
        List<String> nodes = new ArrayList<>();
        nodes.add(trained(1, "0"));
        nodes.addAll(IntStream.rangeClosed(2, DEPTH).mapToObj(i -> trained(i, "\"m" + (i - 1) + "\"")).toList());
        String table = nodes.stream().collect(Collectors.joining(", ", "\"nodes\" : {", "}"));
        Path deep = Files.writeString(folder.resolve("deep.json"),
                text.substring(0, start) + table + text.substring(end(text, start)));
        assertRefused(apply(deep), "deep.json");
    }

    private static String trained(int number, String start) {
        return "\"m%s\": {\"kind\": \"trained\", \"training\": \"distilled\", \"start\": %s, \"position\": 0, \"sha256\": \"%s\"}"
                .formatted(number, start, "0".repeat(64));
    }

    /** Where the object that begins after a place ends. */
    private static int end(String text, int start) {
        int depth = 0;
        for (int i = text.indexOf('{', start); i < text.length(); i++) {
            depth += text.charAt(i) == '{' ? 1 : text.charAt(i) == '}' ? -1 : 0;
            if (depth == 0) {
                return i + 1;
            }
        }
        throw new IllegalArgumentException("no object ends");
    }
}
