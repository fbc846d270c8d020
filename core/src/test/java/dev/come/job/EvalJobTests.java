package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.JsonRules;
import dev.come.Progress;
import dev.come.TinyLlama;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.EvaluationReport.Average;
import dev.come.evaluate.HarnessVersion;
import dev.come.evaluate.TaskResult;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EvalJobTests {
    private static final int ROWS = 120;

    @TempDir
    private Path folder;

    private Path model;
    private Path task;
    private int limit = EvaluationOptions.ALL;
    private int shots = 1;
    private Resumption resumption = Resumption.GO_ON;

    @BeforeEach
    void makeUpAModelAndATask() throws IOException {
        model = WordModels.copy("llama-gqa", folder);
        Random random = new Random(5);
        Files.writeString(folder.resolve("rows.jsonl"), IntStream.range(0, ROWS).mapToObj(row -> """
                {"question": "%s", "choices": ["%s", "%s", "%s"], "answer": %s}
                """.formatted(words(random, 40), words(random, 3), words(random, 1 + random.nextInt(4)),
                words(random, 2), random.nextInt(3))).collect(Collectors.joining()));
        task = Files.writeString(folder.resolve("words.json"), """
                {"task": "words", "version": "7",
                 "documents": {"split": "test", "files": "rows.jsonl", "rows": 120},
                 "examples": {"split": "test", "files": "rows.jsonl", "draw": "random_one_more"},
                 "context": "{question}", "choices": "choices", "gold": {"column": "answer"},
                 "metrics": ["acc", "acc_norm"]}
                """);
    }

    private static String words(Random random, int count) {
        return random.ints(count, 3, 128).mapToObj(word -> "w" + word).collect(Collectors.joining(" "));
    }

    private EvaluationReport run(Optional<Path> output, Optional<Path> baseline, Progress progress) {
        return run(output, baseline, progress, _ -> {
        });
    }

    private EvaluationReport run(Optional<Path> output, Optional<Path> baseline, Progress progress,
            Consumer<EvaluationReport> also) {
        EvaluationOptions options = new EvaluationOptions(List.of(task.toString()), shots, limit,
                HarnessVersion.V0_4_13, BosRule.TOKENIZER, EvaluationOptions.ALL, folder);
        return EvalJob.run(new EvalJob.Request(model, baseline, Optional.empty(), options,
                new PerplexityOptions(List.of(), WindowLength.of(32), PerplexityOptions.ALL_WINDOWS),
                new EvalFiles(output, output.isPresent(), Optional.empty(), false, resumption)),
                new ComputeChoice("float32", "cpu", 2, 0), progress, also);
    }

    @Test
    void aRunThatWasKilledGoesOnAndEndsWithTheSameBytes() throws IOException {
        Path whole = folder.resolve("whole.json");
        run(Optional.of(whole), Optional.of(model), Progress.NONE);
        assertThat(WordModels.names(folder)).contains("whole.json", "whole.samples.jsonl")
                .doesNotContain("whole.scores.jsonl");
        assertThat(Files.readAllLines(folder.resolve("whole.samples.jsonl"))).hasSize(2 * ROWS);

        Path killed = folder.resolve("killed.json");
        Path scores = folder.resolve("killed.scores.jsonl");
        int before = 0;
        for (long steps : List.of(20L, 20L, 24L)) {
            assertThatThrownBy(() -> run(Optional.of(killed), Optional.of(model), KilledProgress.after(steps)))
                    .hasMessage("killed");
            assertThat(killed).doesNotExist();
            int lines = Files.readAllLines(scores).size();
            assertThat(lines).as("each run gets further").isGreaterThan(before);
            before = lines;
            Files.writeString(scores, Files.readString(scores) + "{\"model\": \"mod"); // as a kill may leave it
        }
        run(Optional.of(killed), Optional.of(model), Progress.NONE);
        assertThat(Files.readString(killed)).isEqualTo(Files.readString(whole));
        assertThat(Files.readString(folder.resolve("killed.samples.jsonl")))
                .isEqualTo(Files.readString(folder.resolve("whole.samples.jsonl")));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aRunThatWasKilledAtItsLastFilesEndsWithAllOfThem(boolean pageIsThere) throws IOException {
        Path output = folder.resolve("killed.json");
        Path page = folder.resolve("killed.report.html");
        assertThatThrownBy(() -> run(Optional.of(output), Optional.empty(), Progress.NONE, _ -> {
            throw new IllegalStateException("killed");
        })).hasMessage("killed");
        String result = Files.readString(output);
        assertThat(page).exists();
        if (!pageIsThere) {
            Files.delete(page);
        }
        List<String> also = new ArrayList<>();
        run(Optional.of(output), Optional.empty(), Progress.NONE, report -> also.add(report.toJson()));
        assertThat(output).hasContent(result);
        assertThat(also).containsExactly(result);
        assertThat(page).content().contains("</html>");
        assertThat(WordModels.names(folder)).noneMatch(name -> name.contains("scores") || name.contains("lock"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"one line without an end", "not JSON\n", "not JSON\nhalf a line", "{\"limit\": 3}\n"})
    void aFileOfTheUsersUnderTheNameOfTheScoresIsNotTouched(String content) throws IOException {
        Path scores = Files.writeString(folder.resolve("result.scores.jsonl"), content);
        assertThatThrownBy(() -> run(Optional.of(folder.resolve("result.json")), Optional.empty(), Progress.NONE))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining(scores.toString());
        assertThat(Files.readString(scores)).isEqualTo(content);
    }

    @Test
    void aRunThatWasKilledInItsFirstLineBeginsAnew() throws IOException {
        Path output = folder.resolve("result.json");
        Path scores = folder.resolve("result.scores.jsonl");
        assertThatThrownBy(() -> run(Optional.of(output), Optional.empty(), KilledProgress.after(20)))
                .hasMessage("killed");
        Files.writeString(scores, Files.readAllLines(scores).getFirst().substring(0, 30));
        run(Optional.of(output), Optional.empty(), Progress.NONE);
        assertThat(output).exists();
        assertThat(scores).doesNotExist();
    }

    @Test
    void scoresOfAnotherRunAreNotTakenForThese() throws IOException {
        Optional<Path> output = Optional.of(folder.resolve("result.json"));
        assertThatThrownBy(() -> run(output, Optional.empty(), KilledProgress.after(20))).hasMessage("killed");
        limit = 50;
        assertThatThrownBy(() -> run(output, Optional.empty(), Progress.NONE))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("result.scores.jsonl holds the scores of another run")
                .hasMessageContaining("limit: null there, 50 now").hasMessageContaining("--restart");
        resumption = Resumption.RESTART;
        run(output, Optional.empty(), Progress.NONE);
        Path whole = folder.resolve("whole.json");
        run(Optional.of(whole), Optional.empty(), Progress.NONE);
        assertThat(Files.readString(output.get())).isEqualTo(Files.readString(whole));
        assertThat(WordModels.names(folder)).noneMatch(name -> name.contains("scores") || name.contains("lock"));
    }

    @Test
    void restartRemovesNoFileThatIsNotOfARun() throws IOException {
        Path mine = Files.writeString(folder.resolve("result.scores.jsonl"), "{\"mine\": 1}\n");
        resumption = Resumption.RESTART;
        assertThatThrownBy(() -> run(Optional.of(folder.resolve("result.json")), Optional.empty(), Progress.NONE))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining(mine.toString());
        assertThat(mine).hasContent("{\"mine\": 1}");
    }

    @Test
    void whatIsInterruptedSaysHowToGoOn() {
        List<String> notes = new ArrayList<>();
        Progress failing = KilledProgress.after(20);
        assertThatThrownBy(() -> run(Optional.of(folder.resolve("result.json")), Optional.empty(), new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                return failing.begin(what, total, unit);
            }

            @Override
            public void note(String line) {
                notes.add(line);
            }
        })).hasMessage("killed");
        assertThat(notes.getLast()).contains("result.scores.jsonl", "the same command goes on");
    }

    @Test
    void twoRunsDoNotWriteTheSameFiles() throws IOException {
        Path output = folder.resolve("result.json");
        List<String> refusals = new ArrayList<>();
        run(Optional.of(output), Optional.empty(), new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                if (refusals.isEmpty()) {
                    for (Path same : List.of(output, folder.resolve("result"))) {
                        assertThatThrownBy(() -> run(Optional.of(same), Optional.empty(), Progress.NONE))
                                .isInstanceOf(FailedException.class)
                                .satisfies(e -> refusals.add(String.valueOf(e.getMessage())));
                    }
                }
                return _ -> {
                };
            }

            @Override
            public void note(String line) {
            }
        });
        assertThat(refusals).hasSize(2).allMatch(message -> message.contains("result.scores.jsonl is being written to")
                && message.contains("give another --output"));
        assertThat(output).exists();
        assertThat(WordModels.names(folder)).noneMatch(name -> name.contains("lock"));
    }

    @Test
    void theFileNamesEverythingThatTheNumbersDependOn() throws IOException {
        Path output = folder.resolve("result.json");
        EvaluationReport report = run(Optional.of(output), Optional.of(model), Progress.NONE);
        new JsonRules(EvaluationReport.class).check(output);
        JsonNode root = new JsonMapper().readTree(output);
        assertThat(root.at("/settings/harness_version").asString()).isEqualTo("0.4.13");
        assertThat(root.at("/settings/bos").asString()).isEqualTo("tokenizer");
        assertThat(root.at("/settings/fewshot_seed").asInt()).isEqualTo(1234);
        assertThat(root.at("/model/dtype").asString()).isEqualTo("float32");
        assertThat(root.at("/model/fingerprint").asString()).hasSize(64);
        JsonNode words = root.at("/model/tasks/words");
        assertThat(words.get("version").asString()).isEqualTo("7");
        assertThat(words.get("split").asString()).isEqualTo("test");
        assertThat(words.get("documents").asInt()).isEqualTo(ROWS);
        assertThat(words.get("shots").asInt()).isEqualTo(1);
        assertThat(words.get("files").toString()).isEqualTo("[\"rows.jsonl\"]");
        double acc = words.get("acc").asDouble();
        assertThat(words.get("acc_stderr").asDouble()).isCloseTo(Math.sqrt(acc * (1 - acc) / (ROWS - 1)),
                within(1e-12));
        assertThat(report.averages().stream().map(average -> average.retained().orElseThrow())).containsOnly(1.0);
        assertThat(root.at("/averages/0/retained").asDouble()).isEqualTo(1);
        assertThatThrownBy(() -> run(Optional.of(output), Optional.empty(), Progress.NONE))
                .isInstanceOf(UsageException.class).hasMessageContaining("is there already");
    }

    /**
     * By hand: all tokens are equally likely, so the likeliest choice is the shortest, the first of equally short ones; and by
     * characters the one with the fewest tokens for its characters.
     */
    @Test
    void aModelThatKnowsNothingPrefersWhatIsShort() throws IOException {
        model = new TinyLlama(2, 128, 16, 24, 2, 2, 4, false).write(folder.resolve("uniform"), spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            Arrays.fill(values, spec.name().equals("lm_head.weight") ? 0 : 0.1f);
            return values;
        });
        Files.copy(Path.of("src/test/resources/fixtures/words/tokenizer.json"), model.resolve("tokenizer.json"));
        Files.writeString(folder.resolve("rows.jsonl"), """
                {"question": "w3 w4", "choices": ["w5 w6", "w7", "w8"], "answer": 1}
                {"question": "w3 w4", "choices": ["w5", "w7", "w8"], "answer": 1}
                {"question": "w3 w4", "choices": ["w5 w6 w9", "w7 w8", "w8"], "answer": 2}
                {"question": "w3 w4", "choices": ["w100 w100", "w7", "w8"], "answer": 0}
                """);
        shots = 0;
        TaskResult result = run(Optional.empty(), Optional.empty(), Progress.NONE).model().results().tasks().getFirst();
        // Right: 1 (first of two with one token), not 0, 2, not 1.
        assertThat(result.values().get("acc")).isEqualTo(0.5);
        // Characters for each token: 2.5 2 2; 2 2 2; 2.67 2.5 2; 4.5 2 2: the first choice each time.
        assertThat(result.values().get("acc_norm")).isEqualTo(0.25);
        EvaluationReport report = run(Optional.empty(), Optional.of(model), Progress.NONE);
        assertThat(report.averages()).extracting(Average::value).containsExactly(0.5, 0.25);
    }

    /**
     * By hand, of a model that always takes the first choice. The sum counts each document once; its error is that of
     * lm-evaluation-harness: the sample variances of the subjects, pooled, by the number of documents.
     */
    @Test
    void aGroupIsSummedUpInPartsToo() throws IOException {
        model = new TinyLlama(2, 128, 16, 24, 2, 2, 4, false).write(folder.resolve("uniform"), spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            Arrays.fill(values, spec.name().equals("lm_head.weight") ? 0 : 0.1f);
            return values;
        });
        Files.copy(Path.of("src/test/resources/fixtures/words/tokenizer.json"), model.resolve("tokenizer.json"));
        int[][] golds = {{0, 0, 0, 1}, {0, 1}, {1, 1, 1, 0}};
        for (int subject = 0; subject < 3; subject++) {
            Files.writeString(folder.resolve("s" + subject + ".jsonl"), Arrays.stream(golds[subject])
                    .mapToObj(gold -> "{\"question\": \"w3\", \"choices\": [\"w5\", \"w7\"], \"answer\": %s}\n"
                            .formatted(gold))
                    .collect(Collectors.joining()));
        }
        Files.writeString(task, """
                {"task": "all", "version": "7", "subjects": {"s0": "x", "s1": "y", "s2": "x"},
                 "documents": {"split": "test", "files": "{subject}.jsonl"},
                 "context": "{question}", "choices": "choices", "gold": {"column": "answer"}}
                """);
        shots = 0;
        Path output = folder.resolve("groups.json");
        EvaluationReport report = run(Optional.of(output), Optional.empty(), Progress.NONE);
        List<TaskResult> groups = report.model().results().groups();
        assertThat(groups).extracting(TaskResult::task).containsExactly("all", "all_x", "all_y");
        assertThat(groups).extracting(TaskResult::documents).containsExactly(10, 8, 2);
        assertThat(groups).extracting(group -> group.values().get("acc")).containsExactly(0.5, 0.5, 0.5);
        // Sums of squared deviations: 0.75, 0.5, 0.75; three, two or one subject's mean was taken off.
        assertThat(groups.get(0).errors().get("acc")).isCloseTo(Math.sqrt(2.0 / (10 - 3) / 10), within(1e-12));
        assertThat(groups.get(1).errors().get("acc")).isCloseTo(Math.sqrt(1.5 / (8 - 2) / 8), within(1e-12));
        assertThat(groups.get(2).errors().get("acc")).isCloseTo(Math.sqrt(0.5 / (2 - 1) / 2), within(1e-12));
        assertThat(report.averages()).as("a group counts as one task, its parts do not").extracting(Average::tasks)
                .containsExactly(1);
        new JsonRules(EvaluationReport.class).check(output);
        JsonNode root = new JsonMapper().readTree(output);
        assertThat(root.at("/model/groups/all_x/group").asString()).isEqualTo("all");
        assertThat(root.at("/model/groups/all_x/acc_stderr").asDouble()).isCloseTo(Math.sqrt(1.5 / 6 / 8),
                within(1e-12));
        assertThat(root.at("/model/tasks/all_s1/group").asString()).isEqualTo("all_y");
    }

    @Test
    void aScoreThatIsNoNumberStopsTheRunAndNamesTheDocument() throws IOException {
        model = new TinyLlama(2, 128, 16, 24, 2, 2, 4, false).write(folder.resolve("broken"), spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            Arrays.fill(values, 0.1f);
            if (spec.name().equals("model.embed_tokens.weight")) {
                Arrays.fill(values, 16 * 77, 16 * 78, Float.NaN);
            }
            return values;
        });
        Files.copy(Path.of("src/test/resources/fixtures/words/tokenizer.json"), model.resolve("tokenizer.json"));
        Files.writeString(folder.resolve("rows.jsonl"), """
                {"question": "w3 w4", "choices": ["w5 w6", "w7"], "answer": 1}
                {"question": "w3 w77", "choices": ["w5", "w7"], "answer": 1}
                """);
        shots = 0;
        assertThatThrownBy(() -> run(Optional.empty(), Optional.empty(), Progress.NONE))
                .isInstanceOf(FailedException.class).hasMessageContaining("not finite on document 1 of words");
    }

    @Test
    void aContextThatIsTooLongIsCutAndAContinuationThatIsTooLongIsRefused() throws IOException {
        Files.writeString(folder.resolve("rows.jsonl"), """
                {"question": "%s", "choices": ["w5 w6", "w7"], "answer": 1}
                """.formatted(words(new Random(1), 3000)));
        shots = 0;
        assertThat(run(Optional.empty(), Optional.empty(), Progress.NONE).model().results().tasks()).hasSize(1);
        Files.writeString(folder.resolve("rows.jsonl"), """
                {"question": "w3", "choices": ["w5 w6", "%s"], "answer": 1}
                """.formatted(words(new Random(1), 3000)));
        assertThatThrownBy(() -> run(Optional.empty(), Optional.empty(), Progress.NONE))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("The continuation of choice 1 of document 0 of words has 3000 tokens");
        Files.writeString(folder.resolve("rows.jsonl"), """
                {"question": "w3", "choices": ["w5 w6", ""], "answer": 1}
                """);
        assertThatThrownBy(() -> run(Optional.empty(), Optional.empty(), Progress.NONE))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("The continuation of choice 1 of document 0 of words has no tokens");
    }
}
