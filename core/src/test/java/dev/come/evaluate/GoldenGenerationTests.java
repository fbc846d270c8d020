package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Progress;
import dev.come.SharedData;
import dev.come.job.ComputeChoice;
import dev.come.job.EvalFiles;
import dev.come.job.EvalJob;
import dev.come.job.PerplexityOptions;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What lm-evaluation-harness 0.4.13 asked models, had them write and made of it, on questions made up for this, with its
 * own task files in float32, one document at a time.
 */
class GoldenGenerationTests {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures/generation");
    private static final JsonMapper JSON = new JsonMapper();
    private static final Map<String, String> FILES = Map.of("gsm8k-train", "gsm8k/train", "gsm8k-test", "gsm8k/test",
            "gsm8k_cot-examples", "gsm8k_cot/examples", "triviaqa-train", "triviaqa/train", "triviaqa-validation",
            "triviaqa/validation", "nq_open-train", "nq_open/train", "nq_open-validation", "nq_open/validation",
            "lambada-test", "lambada_openai/test");

    @TempDir
    private Path folder;

    private static JsonNode golden(String model) {
        try {
            return JSON.readTree(
                    Files.readString(Path.of("src/test/resources/golden-eval/generation-" + model + ".json")));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static Stream<Arguments> tasks() {
        return Stream.of("stories260K", "smollm2-135m").flatMap(
                model -> golden(model).propertyNames().stream().map(task -> Arguments.of(model, task)));
    }

    private Path model(String name) throws IOException {
        if (name.equals("smollm2-135m")) {
            return SmolModel.folder();
        }
        Path source = SharedData.path("data/stories260K/hf");
        Path copy = Files.createDirectories(folder.resolve(name));
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(source.resolve(file), copy.resolve(file));
        }
        Files.copy(Path.of("src/test/resources/fixtures/stories260K/tokenizer.json"), copy.resolve("tokenizer.json"));
        Files.writeString(copy.resolve("tokenizer_config.json"), "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}");
        return copy;
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void everyDocumentIsThatOfTheHarness(String model, String task) throws IOException {
        JsonNode golden = golden(model).path(task);
        for (Map.Entry<String, String> file : FILES.entrySet()) {
            Path place = folder.resolve(file.getValue() + ".jsonl");
            Files.createDirectories(place.getParent());
            Files.copy(FIXTURES.resolve(file.getKey() + ".jsonl"), place);
        }
        String[] nameAndShots = task.split(":", 2);
        int documents = golden.path("documents").size();
        EvaluationOptions options = new EvaluationOptions(List.of(nameAndShots[0]),
                nameAndShots.length > 1 ? Integer.parseInt(nameAndShots[1]) : EvaluationOptions.USUAL, documents,
                HarnessVersion.V0_4_13, BosRule.TOKENIZER, EvaluationOptions.ALL, folder);
        Path output = folder.resolve("result.json");
        EvalJob.run(new EvalJob.Request(model(model), Optional.empty(), Optional.empty(), options,
                new PerplexityOptions(List.of(), WindowLength.of(32), PerplexityOptions.ALL_WINDOWS),
                new EvalFiles(Optional.of(output), true, Optional.empty(), false)),
                new ComputeChoice("float32", "cpu", 2, 1_000_000_000), Progress.NONE);
        List<String> samples = Files.readAllLines(folder.resolve("result.samples.jsonl"));
        assertThat(samples).hasSize(documents);
        for (int i = 0; i < documents; i++) {
            JsonNode expected = golden.path("documents").path(i);
            JsonNode found = JSON.readTree(samples.get(i));
            assertThat(found.path("context").asString()).isEqualTo(expected.path("context").asString());
            if (expected.has("text")) {
                for (String field : List.of("text", "filtered")) {
                    assertThat(found.path(field)).as("document %d, %s", i, field).isEqualTo(expected.path(field));
                }
                expected.path("exact_match").properties()
                        .forEach(match -> assertThat(found.path("exact_match," + match.getKey()).asDouble())
                                .isEqualTo(match.getValue().asDouble()));
            } else {
                assertThat(found.path("ll").path(0).asDouble()).isCloseTo(expected.path("ll").asDouble(),
                        within(2e-4));
                assertThat(found.path("greedy").path(0).asBoolean()).isEqualTo(expected.path("greedy").asBoolean());
            }
        }
        JsonNode results = JSON.readTree(Files.readString(output)).path("model").path("tasks").path(nameAndShots[0]);
        golden.path("results").properties().forEach(result -> {
            String name = result.getKey().endsWith(",none")
                    ? result.getKey().substring(0, result.getKey().indexOf(','))
                    : result.getKey();
            assertThat(results.path(name).asDouble()).as(result.getKey())
                    .isCloseTo(result.getValue().asDouble(), within(2e-4 * Math.max(1, result.getValue().asDouble())));
        });
    }
}
