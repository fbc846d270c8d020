package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.HarnessVersion;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tasks for which a model writes texts. */
class EvalGenerationTests {
    private static final int ROWS = 40;
    private static final long ONE_AT_A_TIME = 0;
    private static final long MANY = 1_000_000_000;

    @TempDir
    private Path folder;

    private Path model;
    private Path task;
    private int maxLength = EvaluationOptions.ALL;

    @BeforeEach
    void makeUpAModelAndATask() throws IOException {
        model = WordModels.copy("llama-gqa", folder);
        Random random = new Random(5);
        Files.writeString(folder.resolve("rows.jsonl"), IntStream.range(0, ROWS).mapToObj(_ -> """
                {"question": "%s", "answer": ["%s", "%s"]}
                """.formatted(words(random, 5 + random.nextInt(30)), words(random, 1), words(random, 1)))
                .collect(Collectors.joining()));
        task = write("\"until\": [\"w7\", \"w11\"], \"tokens\": 12");
    }

    private Path write(String generate) throws IOException {
        return Files.writeString(folder.resolve("words.json"),
                """
                        {"task": "words", "version": "7",
                         "documents": {"split": "test", "files": "rows.jsonl", "rows": 40},
                         "examples": {"split": "test", "files": "rows.jsonl", "draw": "first", "usual": 2},
                         "between": " ", "context": "{question}", "answers": "answer",
                         "generate": {%s, "filters": {"first": [{"find": "w\\\\d+"}], "last": {"find": "w\\\\d+", "match": -1}}}}
                        """
                        .formatted(generate));
    }

    private static String words(Random random, int count) {
        return random.ints(count, 3, 128).mapToObj(word -> "w" + word).collect(Collectors.joining(" "));
    }

    private EvaluationReport run(String output, long memory, Progress progress) {
        EvaluationOptions options = new EvaluationOptions(List.of(task.toString()), EvaluationOptions.USUAL,
                EvaluationOptions.ALL, HarnessVersion.V0_4_13, BosRule.TOKENIZER, maxLength, folder);
        return EvalJob.run(new EvalJob.Request(model, Optional.empty(), Optional.empty(), options,
                new PerplexityOptions(List.of(), WindowLength.of(32), PerplexityOptions.ALL_WINDOWS),
                new EvalFiles(Optional.of(folder.resolve(output + ".json")), true, Optional.empty(), false)),
                new ComputeChoice("float32", "cpu", 2, memory), progress);
    }

    @Test
    void textsWrittenSideBySideAreThoseWrittenOneAfterTheOther() throws IOException {
        EvaluationReport alone = run("alone", ONE_AT_A_TIME, Progress.NONE);
        EvaluationReport together = run("together", MANY, Progress.NONE);
        assertThat(Files.readString(folder.resolve("together.samples.jsonl")))
                .isEqualTo(Files.readString(folder.resolve("alone.samples.jsonl")));
        assertThat(together.toJson()).isEqualTo(alone.toJson());
        List<JsonNode> samples = Files.readAllLines(folder.resolve("alone.samples.jsonl")).stream()
                .map(new JsonMapper()::readTree).toList();
        List<String> texts = samples.stream().map(sample -> sample.path("text").asString()).toList();
        assertThat(texts).as("some end early, some do not").anyMatch(text -> text.split(" ").length < 12)
                .anyMatch(text -> text.split(" ").length == 12).noneMatch(text -> text.contains("w7"));
        assertThat(together.model().results().tasks().getFirst().values()).containsOnlyKeys("exact_match,first",
                "exact_match,last");
        assertThat(together.toJson()).contains("\"exact_match_stderr,first\"").contains("\"shots\" : 2");
    }

    @Test
    void aRunThatWasKilledGoesOnAndEndsWithTheSameBytes() throws IOException {
        run("whole", MANY, Progress.NONE);
        Path scores = folder.resolve("killed.scores.jsonl");
        assertThatThrownBy(() -> run("killed", MANY, KilledProgress.after(34))).hasMessage("killed");
        assertThat(Files.readAllLines(scores)).as("a line of settings and the first batch").hasSize(1 + 32);
        Files.writeString(scores, Files.readString(scores) + "{\"model\": \"mod"); // as a kill may leave it
        run("killed", MANY, KilledProgress.after(8));
        for (String ending : List.of(".json", ".samples.jsonl")) {
            assertThat(Files.readString(folder.resolve("killed" + ending)))
                    .isEqualTo(Files.readString(folder.resolve("whole" + ending)));
        }
        assertThat(scores).doesNotExist();
    }

    @Test
    void aTextForWhichThereIsNoRoomIsRefused() {
        maxLength = 12;
        assertThatThrownBy(() -> run("result", MANY, Progress.NONE)).isInstanceOf(UsageException.class)
                .hasMessageContaining("12 tokens").hasMessageContaining("--max-length");
    }

    @Test
    void longPromptsLoseTheirBeginning() throws IOException {
        task = write("\"until\": [], \"tokens\": 2");
        maxLength = 6;
        run("short", MANY, Progress.NONE);
        run("shortAlone", ONE_AT_A_TIME, Progress.NONE);
        assertThat(Files.readString(folder.resolve("short.samples.jsonl")))
                .isEqualTo(Files.readString(folder.resolve("shortAlone.samples.jsonl")));
    }
}
