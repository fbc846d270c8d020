package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.evaluate.Document.Page;
import dev.come.evaluate.Document.Question;
import dev.come.evaluate.TaskDescription.Contexts;
import dev.come.hub.Hub;
import dev.come.hub.LocalHub;
import dev.come.text.TextSource.OnHub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class TaskFileTests {
    private static final int ALL = EvaluationOptions.ALL;
    private static final String CAPITALS = """
            {
              "task": "capitals", "version": "1",
              "documents": {"split": "test", "files": "capitals.jsonl"},
              "examples": {"split": "train", "files": "solved.jsonl", "draw": "first"},
              "columns": {"country": ["place.country", "land"], "cities": [["a", "b"]]},
              "introduction": "Geography.\\n\\n",
              "context": "{{Q}} Where is the capital of {country|strip}, {cities[0]} or {cities[1]}?",
              "choices": "cities",
              "gold": {"column": "answer", "among": "cities"},
              "metrics": ["acc", "acc_norm"]
            }
            """;

    @TempDir
    private Path folder;

    private Path write(String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    private List<Question> questions(String task, int shots) {
        TaskDescription description = TaskFile.parse(task, List.of(folder), HarnessVersion.V0_4_13).getFirst();
        return TaskData.read(description, shots, ALL).documents().stream().map(Question.class::cast).toList();
    }

    @Test
    void aUserAddsATaskWithOneFile() throws IOException {
        write("capitals.jsonl", """
                {"place": {"country": " France "}, "a": "Paris", "b": "Rome", "answer": "Paris"}
                {"land": "Italy", "a": "Paris", "b": "Rome", "answer": " Rome"}
                """);
        write("solved.jsonl", """
                {"land": "Spain", "a": "Madrid", "b": "Oslo", "answer": "Madrid"}
                """);
        Path file = write("capitals.json", CAPITALS);
        TaskDescription task = TaskCatalog.find(file.toString(), Path.of("no-data"), HarnessVersion.V0_4_13).getFirst();
        TaskData data = TaskData.read(task, 1, ALL);
        String before = "Geography.\n\n{Q} Where is the capital of Spain, Madrid or Oslo? Madrid\n\n";
        assertThat(data.documents()).containsExactly(
                new Question(0, List.of(before + "{Q} Where is the capital of France, Paris or Rome?"),
                        List.of(" Paris", " Rome"), List.of("Paris", "Rome"), 0, List.of(0)),
                new Question(1, List.of(before + "{Q} Where is the capital of Italy, Paris or Rome?"),
                        List.of(" Paris", " Rome"), List.of("Paris", "Rome"), 1, List.of(0)));
        assertThat(data.sources()).containsExactly("capitals.jsonl");
        assertThat(data.notes()).isEmpty();
    }

    /** The pattern of a place, by what stands for the folder, and the source that is recorded. */
    @ParameterizedTest
    @CsvSource({"FOLDER/data/capitals.jsonl, FOLDER/data/capitals.jsonl",
        "FOLDER/data/*.{table}, FOLDER/data/capitals.jsonl",
        "FOLDER//data/./capitals.jsonl, FOLDER/data/./capitals.jsonl", "../data/capitals.jsonl, ../data/capitals.jsonl",
        "'FOLDER/[a] *?/capitals.jsonl', 'FOLDER/[a] *?/capitals.jsonl'"})
    void dataMayLieAnywhere(String pattern, String source) throws IOException {
        String row = "{\"land\": \"Italy\", \"a\": \"Paris\", \"b\": \"Rome\", \"answer\": \"Rome\"}\n";
        write("data/capitals.jsonl", row);
        write("[a] *?/capitals.jsonl", row);
        Path below = Files.createDirectory(folder.resolve("tasks"));
        String task = CAPITALS.replace("\"capitals.jsonl\"",
                "\"" + pattern.replace("FOLDER", folder.toString()) + "\"");
        TaskData data = TaskData.read(
                TaskFile.parse(task, List.of(below), HarnessVersion.V0_4_13).getFirst(), 0, ALL);
        assertThat(data.documents()).hasSize(1);
        assertThat(data.sources()).containsExactly(source.replace("FOLDER", folder.toString()));
    }

    @Test
    void linesInAFileThatCannotBeAreRefused() throws IOException {
        write("rows.jsonl", "{\"q\": \"one\"}\n");
        assertThatThrownBy(() -> questions("""
                {"task": "t", "version": "1",
                 "documents": {"split": "test", "files": [{"file": "rows.jsonl", "lines": {"a": "half \\ud800"}}]},
                 "context": "{q}", "choices": ["good", "bad"], "gold": {"column": "a"}}
                """, 0)).isInstanceOf(InvalidInputException.class).hasMessageContaining("no name that a file can have");
    }

    @Test
    void valuesMayStandForChoices() throws IOException {
        write("rows.csv", """
                text,label
                "one, two
                three",yes
                ,no
                """);
        List<Question> questions = questions("""
                {"task": "t", "version": "1", "documents": {"split": "test", "files": "rows.{table}"},
                 "context": "{text}", "choices": ["good", "bad"],
                 "gold": {"column": "label", "values": {"yes": 0, "no": 1}}}
                """, 0);
        assertThat(questions.stream().map(question -> question.context(0))).containsExactly("one, two\nthree", "");
        assertThat(questions.stream().map(Question::gold)).containsExactly(0, 1);
    }

    @Test
    void oneContinuationMayFollowSeveralContexts() throws IOException {
        write("rows.jsonl", """
                {"starts": ["He", "She"], "end": "laughs", "right": 1}
                """);
        String task = """
                {"task": "t", "version": "1", "documents": {"split": "test", "files": "rows.jsonl"},
                 "examples": {"split": "test", "files": "rows.jsonl", "draw": "random"},
                 "contexts": "starts", "continuation": "{end} out loud", "gold": {"column": "right"}}
                """;
        assertThat(TaskFile.parse(task, List.of(folder), HarnessVersion.V0_4_13).getFirst().form())
                .isInstanceOf(Contexts.class);
        assertThat(questions(task, 1)).containsExactly(new Question(0,
                List.of("She laughs out loud\n\nHe", "She laughs out loud\n\nShe"), List.of(" laughs out loud"),
                List.of("laughs out loud", "laughs out loud"), 1, List.of(0)));
    }

    @Test
    void aLongTextIsScoredInOneFormAndCountedInAnother() throws IOException {
        write("pages.jsonl", "{\"page\": \" a b\\n\", \"plain\": \"ab\"}\n");
        TaskDescription task = TaskFile.parse("""
                {"task": "t", "version": "1", "documents": {"split": "test", "files": "pages.jsonl"},
                 "text": "{plain}", "counted": "{page}"}
                """, List.of(folder), HarnessVersion.V0_4_13).getFirst();
        assertThat(TaskData.read(task, 0, ALL).documents()).containsExactly(new Page(0, "ab", 4, 5));
    }

    /** By hand: 3 equal rows among 4; whoever draws two of them has too few left and draws again from the others. */
    @Test
    void theDocumentItselfIsNeverItsExample() throws IOException {
        String row = "{\"q\": \"%s\", \"a\": 0}\n";
        write("rows.jsonl", row.formatted("same"));
        write("pool.jsonl", row.formatted("same").repeat(3) + row.formatted("other"));
        String task = """
                {"task": "t", "version": "1", "documents": {"split": "test", "files": "rows.jsonl"},
                 "examples": {"split": "train", "files": "pool.jsonl", "draw": "random_one_more"},
                 "context": "{q}", "choices": ["x", "y"], "gold": {"column": "a"}}
                """;
        assertThat(questions(task, 1).getFirst().examples()).containsExactly(3);
        assertThatThrownBy(() -> questions(task, 2)).isInstanceOf(UsageException.class)
                .hasMessage("--num-fewshot is 2, but the task t has only 1 examples to draw from; lower it");
        assertThatThrownBy(() -> questions(task, 4)).hasMessageContaining("only 4 examples");
    }

    private static void parquet(Path file, String select) throws SQLException, IOException {
        Files.createDirectories(file.getParent());
        try (Connection database = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = database.createStatement()) {
            statement.execute("COPY (" + select + ") TO '" + file + "' (FORMAT parquet)");
        }
    }

    private List<Document> documents(String task, Path data) {
        return TaskData.read(TaskCatalog.find(task, data, HarnessVersion.V0_4_13).getFirst(), 0, ALL).documents();
    }

    /** The hub's columns and those of the original files. */
    @Test
    void rowsOfTheHubAndOriginalRowsAskTheSame() throws IOException, SQLException {
        Path hub = folder.resolve("hub");
        Path own = folder.resolve("own");
        parquet(hub.resolve("ai2_arc/ARC-Easy/test-00000-of-00001.parquet"),
                "SELECT 'a' AS id, 'Why?' AS question, {'text': ['x', 'y', 'z'], 'label': ['1', '2', '3']} AS choices,"
                        + " '2' AS answerKey");
        write("own/arc/ARC-Easy-Test.jsonl",
                """
                        {"id": "a", "question": {"stem": "Why?", "choices": [{"text": "x", "label": "1"}, {"text": "y", "label": "2"},
                         {"text": "z", "label": "3"}]}, "answerKey": "2"}
                        """);
        assertThat(documents("arc_easy", hub)).isEqualTo(documents("arc_easy", own)).hasSize(1);
        assertThat(((Question) documents("arc_easy", hub).getFirst()).gold()).isEqualTo(1);

        parquet(hub.resolve("super_glue/boolq/validation-00000-of-00001.parquet"),
                "SELECT 'is it' AS question, 'It is.' AS passage, 0 AS idx, 1 AS label");
        write("own/boolq/val.jsonl", "{\"question\": \"is it\", \"passage\": \"It is.\", \"label\": \"true\"}\n");
        assertThat(documents("boolq", hub)).isEqualTo(documents("boolq", own)).hasSize(1);

        parquet(hub.resolve("mmlu/anatomy/test-00000-of-00001.parquet"),
                "SELECT 'Which? ' AS question, 'anatomy' AS subject, ['p', 'q', 'r', 's'] AS choices, 3 AS answer");
        write("own/mmlu/test/anatomy_test.csv",
                "question,choice0,choice1,choice2,choice3,answer\nWhich? ,p,q,r,s,3\n");
        assertThat(documents("mmlu_anatomy", hub)).isEqualTo(documents("mmlu_anatomy", own)).hasSize(1);
        assertThat(((Question) documents("mmlu_anatomy", hub).getFirst()).context(0)).isEqualTo(
                "The following are multiple choice questions (with answers) about anatomy.\n\nWhich?\nA. p\nB. q\nC. r\nD. s\nAnswer:");

        parquet(hub.resolve("race/high/test-00000-of-00001.parquet"),
                "SELECT 'Text.' AS article, '[{''question'': ''Who?'', ''answer'': ''B'', ''options'': [\"I''m\", ''You'', ''He'', ''She'']}]' AS problems");
        write("own/race/high_test.jsonl",
                """
                        {"example_id": "1", "article": "Text.", "question": "Who?", "answer": "B", "options": ["I'm", "You", "He", "She"]}
                        """);
        assertThat(documents("race", hub)).isEqualTo(documents("race", own)).hasSize(1);
    }

    @Test
    void withoutAFolderDataComeFromTheHub() throws IOException, SQLException {
        Path file = folder.resolve("made.parquet");
        parquet(file,
                "SELECT 'Cutting' AS activity_label, 'A man' AS ctx_a, 'he' AS ctx_b, ['a', 'b'] AS endings, '1' AS label");
        try (LocalHub server = new LocalHub();
                Hub hub = new Hub(server.settings(folder.resolve("cache")), Progress.NONE)) {
            server.file("datasets/Rowan/hellaswag", "data/validation-00000-of-00001.parquet", Files.readAllBytes(file));
            server.file("datasets/baber/piqa", "README.md", new byte[]{1});
            OnHub library = new OnHub(() -> hub);
            TaskData data = TaskData.read(TaskCatalog.find("hellaswag", library, HarnessVersion.V0_4_13).getFirst(), 0,
                    ALL);
            assertThat(data.documents()).containsExactly(new Question(0, List.of("Cutting: A man He"),
                    List.of(" a", " b"), List.of("a", "b"), 1, List.of()));
            assertThat(data.sources()).containsExactly("data/validation-00000-of-00001.parquet");
            assertThatThrownBy(
                    () -> TaskData.read(TaskCatalog.find("piqa", library, HarnessVersion.V0_4_13).getFirst(), 0, ALL))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("The hub has no file **validation-*.parquet of the data set baber/piqa");
            assertThatThrownBy(
                    () -> TaskData.read(TaskCatalog.find("wikitext", library, HarnessVersion.V0_4_13).getFirst(), 0,
                            ALL))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage("The test part of the task wikitext is not on the hub as a table; name a folder that"
                            + " holds it as --data-dir");
        }
    }

    @Test
    void whatIsNotThePublishedDataSetIsSaid() throws IOException {
        write("piqa/dev.jsonl", "{\"goal\": \"g\", \"sol1\": \"a\", \"sol2\": \"b\"}\n");
        write("piqa/dev-labels.lst", "1\n");
        TaskData data = TaskData.read(TaskCatalog.find("piqa", folder, HarnessVersion.V0_4_13).getFirst(), 0, ALL);
        assertThat(data.notes()).containsExactly("piqa: 1 documents, but the published data set has 1838: numbers are"
                + " not comparable with published ones (piqa/dev.jsonl)");
        write("piqa/dev-labels.lst", "1\n0\n");
        assertThatThrownBy(
                () -> TaskData.read(TaskCatalog.find("piqa", folder, HarnessVersion.V0_4_13).getFirst(), 0, ALL))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining("dev-labels.lst has 2 lines");
    }

    @Test
    void releasesBeforeMayOf2026HaveAnOlderRace() {
        assertThat(TaskCatalog.find("race", folder, HarnessVersion.V0_4_13).getFirst().version()).isEqualTo("3.0");
        assertThat(TaskCatalog.find("race", folder, HarnessVersion.V0_4_9_1).getFirst().version()).isEqualTo("2.0");
    }

    @Test
    void everyTaskOfTheProjectCanBeRead() {
        assertThat(TaskCatalog.NAMES).allSatisfy(
                name -> assertThat(TaskCatalog.find(name, folder, HarnessVersion.V0_4_1)).isNotEmpty());
        assertThat(TaskCatalog.find("mmlu", folder, HarnessVersion.V0_4_13)).hasSize(57)
                .allMatch(task -> task.group().isPresent());
        assertThat(TaskCatalog.find("mmlu_virology", folder, HarnessVersion.V0_4_13)).hasSize(1)
                .allMatch(task -> task.group().isEmpty());
        assertThatThrownBy(() -> TaskCatalog.find("piqa_stem", folder, HarnessVersion.V0_4_13))
                .isInstanceOf(UsageException.class).hasMessageContaining("piqa_stem");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            textBlock = """
                    "version": "1"           | "version": 1                  | "version" is 1, but must be a text
                    "metrics":               | "metric":                     | "metric" is not known
                    ["acc", "acc_norm"]      | ["f1"]                        | "metrics" names f1, but the choices are acc, acc_norm
                    "draw": "first"          | "draw": "all"                 | "examples.draw" is "all"
                    "files": "capitals.jsonl"| "files": 3                    | "documents.files" must name files
                    "split": "test",         |                               | "split" is missing, but must be a text
                    "among": "cities"        | "amongst": "cities"           | "gold.amongst" is not known
                    "among": "cities"        | "among": "a", "values": {}    | "gold" has "values" and "among"
                    "choices": "cities"      | "choices": "c", "text": "x"   | "context" does not go with text
                    "context":               | "prepare": "magic", "context":| "prepare" is "magic", but the choices are [hellaswag
                    "task": "capitals",      | "task": "capitals"            | it is not JSON
                    """)
    void whatATaskCannotMeanIsRefused(String found, String replacement, String message) {
        assertThat(CAPITALS).contains(found);
        String wrong = CAPITALS.replace(found, replacement == null ? "" : replacement);
        assertThatThrownBy(() -> TaskFile.parse(wrong, List.of(folder), HarnessVersion.V0_4_13))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining(message);
    }

    /** Every value in turn becomes very long, and so does every name of a key; of it the message shows the beginning. */
    @Test
    void whatALongDescriptionSaysIsShownInPart() {
        String longText = "x\u001b".repeat(50_000);
        JsonMapper json = new JsonMapper();
        List<JsonNode> values = List.of(json.valueToTree(longText), json.valueToTree(new int[100_000]),
                json.valueToTree(Map.of(longText, 1)));
        for (String pointer : List.of("/task", "/version", "/documents", "/documents/split", "/documents/files",
                "/examples/draw", "/columns/cities", "/context", "/choices", "/gold", "/gold/column", "/gold/values",
                "/metrics", "/prepare", "/" + longText, "/documents/" + longText)) {
            for (JsonNode value : values) {
                JsonNode root = json.readTree(CAPITALS);
                int last = pointer.lastIndexOf('/');
                ((ObjectNode) root.at(pointer.substring(0, last))).set(pointer.substring(last + 1), value);
                Throwable refusal = catchThrowable(
                        () -> TaskFile.parse(root.toString(), List.of(folder), HarnessVersion.V0_4_13));
                if (refusal != null) {
                    assertThat(refusal).as(pointer.substring(0, last + 2)).isInstanceOf(InvalidInputException.class);
                    assertThat(String.valueOf(refusal.getMessage())).hasSizeLessThan(900).doesNotContain("\u001b");
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            textBlock = """
                    {"land": "F", "a": "x", "b": "y", "answer": "z"}  | column answer is "z", which is none of the 2 choices
                    {"land": "F", "a": "x", "answer": "x"}            | row 0 (counted from 0) has no column cities (looked for [a with b])
                    {"a": "x", "b": "y", "answer": "x"}               | has no column country (looked for [place.country, land])
                    {"land": ["F"], "a": "x", "b": "y", "answer": "x"}| column country is ["F"], but one text is expected
                    {"land": "F"                                      | cannot be read
                    """)
    void whatARowCannotMeanIsRefused(String row, String message) throws IOException {
        write("capitals.jsonl", row + "\n");
        assertThatThrownBy(() -> questions(CAPITALS, 0)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("capitals.jsonl").hasMessageContaining(message);
    }

    /** The sizes of the parts in lm-evaluation-harness. */
    @ParameterizedTest
    @CsvSource({"stem, 19, anatomy", "other, 13, college_medicine", "social_sciences, 12, econometrics",
        "humanities, 13, formal_logic"})
    void everySubjectOfMmluBelongsToAPart(String part, int size, String subject) {
        assertThat(TaskCatalog.find("mmlu", folder, HarnessVersion.V0_4_13).stream()
                .filter(task -> task.group().orElseThrow().part().equals("mmlu_" + part))).hasSize(size)
                .extracting(TaskDescription::name).contains("mmlu_" + subject);
        assertThat(TaskCatalog.find("mmlu_" + part, folder, HarnessVersion.V0_4_13)).hasSize(size)
                .allMatch(task -> task.group().orElseThrow().innermost().equals("mmlu_" + part));
    }

    @Test
    void absentDataAndTasksAreNamed() {
        assertThatThrownBy(() -> TaskCatalog.find("squad", folder, HarnessVersion.V0_4_13))
                .isInstanceOf(UsageException.class).hasMessageContaining("squad").hasMessageContaining("boolq, piqa");
        assertThatThrownBy(() -> TaskCatalog.find("mmlu_magic", folder, HarnessVersion.V0_4_13))
                .isInstanceOf(UsageException.class);
        assertThatThrownBy(() -> TaskCatalog.find("none.json", folder, HarnessVersion.V0_4_13))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining("none.json cannot be read");
        assertThatThrownBy(() -> documents("openbookqa", folder)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("openbookqa/main/test-*.parquet").hasMessageContaining("--data-dir");
    }

    @Test
    void brokenPythonIsRefusedWithItsPlace() {
        for (String broken : List.of("[", "['a' 'b']", "{'a': }", "'open", "[1, x]", "'\\x4'", "[] []", "")) {
            assertThatThrownBy(() -> PythonLiteral.parse(broken)).as(broken)
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("was expected");
        }
        assertThat(PythonLiteral.parse(" ( 1, -2.5, True, None, [], {}, '\\101\\\n\\q', ) ").toString())
                .isEqualTo("[1,-2.5,true,null,[],{},\"A\\\\q\"]");
        assertThat(IntStream.range(0, 2).mapToObj(i -> PythonLiteral.parse("\"it's\"").stringValue()))
                .containsOnly("it's");
    }
}
