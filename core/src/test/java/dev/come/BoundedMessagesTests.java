package dev.come;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Shown;
import dev.come.model.ModelConfig;
import dev.come.prune.PruningPlan;
import dev.come.text.SpecialTokens;
import dev.come.text.TableRows;
import dev.come.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What a file says may be of any length; of it a message shows the beginning, in one line. */
class BoundedMessagesTests {
    private static final int LONGEST = 900;
    private static final String LONG = "x\u001b[31m\n".repeat(20_000);

    static final List<JsonNode> VALUES = List.of(JsonNodeFactory.instance.stringNode(LONG), numbers(), texts(),
            names());

    @TempDir
    private Path folder;

    private static ArrayNode numbers() {
        ArrayNode numbers = JsonNodeFactory.instance.arrayNode();
        IntStream.range(0, 200_000).forEach(numbers::add);
        return numbers;
    }

    private static ArrayNode texts() {
        return JsonNodeFactory.instance.arrayNode().add(LONG).add(LONG);
    }

    private static ObjectNode names() {
        ObjectNode names = JsonNodeFactory.instance.objectNode().put(LONG, 1);
        IntStream.range(0, 20_000).forEach(i -> names.put("name" + i, i));
        return names;
    }

    /** If it is refused, the message is short whatever the value was. */
    private void shortOrFine(String what, ThrowingCallable read) {
        Throwable refusal = catchThrowable(read);
        if (refusal != null) {
            assertThat(refusal).as(what).isInstanceOf(ComeException.class);
            String message = String.valueOf(refusal.getMessage()).replace(folder.toString(), "");
            assertThat(message).as(what).hasSizeLessThan(LONGEST).matches("\\P{Cntrl}*");
        }
    }

    @ParameterizedTest(name = "{index}")
    @FieldSource("VALUES")
    void everyKeyOfAConfiguration(JsonNode value) throws IOException {
        for (String golden : List.of("llama-gqa", "llama-rope-llama3", "qwen2")) {
            if (!Files.exists(Golden.model(golden))) {
                continue;
            }
            ConfigTree config = ConfigTree.read(Golden.model(golden).resolve("config.json"));
            for (String key : config.keys()) {
                shortOrFine(key, () -> ModelConfig.of(config.edited(root -> root.set(key, value))));
            }
            for (String key : List.of("layer_types", "sliding_window", "rope_scaling")) {
                shortOrFine(key, () -> ModelConfig.of(config.edited(root -> root.set(key, value))));
            }
            for (String key : List.of("rope_type", "factor", "rope_theta", "type", "short_factor")) {
                shortOrFine("rope_parameters." + key, () -> ModelConfig.of(config
                        .edited(root -> root.putObject("rope_parameters").put("rope_type", "longrope").set(key,
                                value))));
            }
        }
    }

    @ParameterizedTest(name = "{index}")
    @FieldSource("VALUES")
    void headersAndIndexes(JsonNode value) throws IOException {
        Path model = WordModels.copy("llama-gqa", folder);
        Path weights = model.resolve("model.safetensors");
        for (String key : List.of("dtype", "shape", "data_offsets")) {
            ObjectNode header = JsonNodeFactory.instance.objectNode();
            header.putObject(LONG).put("dtype", "F32").putPOJO("shape", new int[]{1}).putPOJO("data_offsets",
                    new int[]{0, 4});
            ((ObjectNode) header.get(LONG)).set(key, value);
            byte[] json = new JsonMapper().writeValueAsBytes(header);
            byte[] file = new byte[8 + json.length + 4];
            IntStream.range(0, 4).forEach(i -> file[i] = (byte) (json.length >> (8 * i)));
            System.arraycopy(json, 0, file, 8, json.length);
            Files.write(weights, file);
            shortOrFine(key, () -> CheckpointHeaders.read(model));
        }
        Files.delete(weights);
        ObjectNode index = JsonNodeFactory.instance.objectNode();
        index.putObject("weight_map").set(LONG, value);
        Files.writeString(model.resolve("model.safetensors.index.json"), index.toString());
        Files.createFile(model.resolve("a.safetensors"));
        shortOrFine("index", () -> CheckpointHeaders.read(model));
    }

    @ParameterizedTest(name = "{index}")
    @FieldSource("VALUES")
    void everyKeyOfAPlan(JsonNode value) throws IOException {
        String plan = """
                {"format": "come-plan", "format_version": 2, "layers": 4, "model": {"fingerprint": "0"}, "method": "m",
                 "target_layers": 3, "steps": [{"layers": 3, "tree": "", "stack": [0, "m1", 3], "action": "merge",
                 "position": 1, "count": 2, "ratio": [0.5, 0.5], "scores": {}}], "evaluations": [],
                 "nodes": {"m1": {"kind": "weighted_sum", "scope": "all", "terms": [{"source": 1, "factor": 0.5},
                 {"source": 2, "factor": 0.5}]}}}""";
        Path file = folder.resolve("come.json");
        for (String key : List.of("/format", "/format_version", "/layers", "/steps", "/steps/0/stack",
                "/steps/0/action",
                "/steps/0/stack/1", "/steps/0/count", "/steps/0/ratio", "/nodes", "/nodes/m1/kind", "/nodes/m1/scope",
                "/nodes/m1/terms", "/nodes/m1/terms/0/source", "/nodes/m1/terms/0/factor")) {
            JsonNode root = new JsonMapper().readTree(plan);
            String parent = key.substring(0, key.lastIndexOf('/'));
            String last = key.substring(parent.length() + 1);
            switch (root.at(parent)) {
                case ObjectNode object -> object.set(last, value);
                case ArrayNode array -> array.set(Integer.parseInt(last), value);
                default -> throw new AssertionError(parent);
            }
            Files.writeString(file, root.toString());
            shortOrFine(key, () -> PruningPlan.read(file));
        }
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.set("options", value);
        PruningPlan one = new PruningPlan(settings, 4, List.of(), List.of());
        assertThat(String.join("; ", one.differences(JsonNodeFactory.instance.objectNode()))).hasSizeLessThan(LONGEST);
    }

    @ParameterizedTest(name = "{index}")
    @FieldSource("VALUES")
    void filesOfATokenizer(JsonNode value) throws IOException {
        Path model = WordModels.copy("llama-gqa", folder);
        Path settings = model.resolve("tokenizer_config.json");
        for (String key : List.of("bos_token", "tokenizer_class", "added_tokens_decoder",
                "additional_special_tokens")) {
            if (key.equals("additional_special_tokens") && !value.isString()) {
                continue; // that many tokens are none too many, but take minutes to add
            }
            ObjectNode root = JsonNodeFactory.instance.objectNode();
            root.set(key, value);
            Files.writeString(settings, root.toString());
            shortOrFine(key, () -> {
                try (Tokenizer tokenizer = Tokenizer.open(model)) {
                    SpecialTokens.of(model, tokenizer);
                }
            });
        }
        Files.delete(model.resolve("tokenizer.json"));
        ObjectNode vocabulary = JsonNodeFactory.instance.objectNode();
        vocabulary.set(LONG, value);
        Files.writeString(model.resolve("vocab.json"), vocabulary.toString());
        Files.writeString(model.resolve("merges.txt"), "y".repeat(100_000) + "\n");
        shortOrFine("vocab.json", () -> Tokenizer.open(model));
        Files.writeString(model.resolve("vocab.json"), "{\"a\": 0}");
        shortOrFine("merges.txt", () -> Tokenizer.open(model));
        Files.writeString(settings, new JsonMapper().writeValueAsString(
                JsonNodeFactory.instance.objectNode().set("tokenizer_class", value)));
        shortOrFine("tokenizer_class", () -> Tokenizer.open(model));
    }

    @Test
    void rowsOfData() throws IOException {
        Path lines = folder.resolve("x.jsonl");
        for (JsonNode value : VALUES) {
            Files.writeString(lines, value + "\n");
            shortOrFine("row", () -> TableRows.read(lines));
        }
        Path table = folder.resolve("x.csv");
        Files.writeString(table, "\"" + "n".repeat(100_000) + "\",b\n1\n");
        shortOrFine("csv", () -> TableRows.read(table));
    }

    @Test
    void theBeginningIsShown() {
        assertThat(Shown.of("Gr\u00fc\u00dfe")).isEqualTo("Gr\u00fc\u00dfe");
        assertThat(Shown.of("a\n\u001b[31m\u202eb")).isEqualTo("a\\u000a\\u001b[31m\\u202eb");
        assertThat(Shown.of("x".repeat(100))).isEqualTo("x".repeat(100));
        assertThat(Shown.of("x".repeat(101))).isEqualTo("x".repeat(100) + "...");
        assertThat(Shown.of("x".repeat(99) + "\ud83d\ude00")).isEqualTo("x".repeat(99) + "...");
        assertThat(Shown.of(List.of(1, 2, 3))).isEqualTo("[1, 2, 3]");
        assertThat(Shown.of(List.of())).isEqualTo("[]");
        assertThat(Shown.of(IntStream.range(0, 10_000_000).boxed().toList())).startsWith("[0, 1, 2, ")
                .endsWith(", ... (10000000 in all)]").hasSizeLessThan(150);
        assertThat(Shown.of(numbers())).isEqualTo(numbers().toString().substring(0, 100) + "...");
    }
}
