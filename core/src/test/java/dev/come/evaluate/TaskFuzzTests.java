package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.come.ComeException;
import dev.come.RandomChanges;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever a task file says, reading it and its data ends in documents or in one sentence.
 *
 * <p>A normal build reads the seeds in the resources and some seconds' worth of random changes to sound files. {@code
 * JAZZER_FUZZ=1 mvn -pl core test -Dtest=TaskFuzzTests} lets Jazzer search, guided by coverage.
 */
class TaskFuzzTests {
    private static final List<String> KEYS = List.of("\"task\"", "\"version\"", "\"documents\"", "\"examples\"",
            "\"prepare\"", "\"columns\"", "\"introduction\"", "\"context\"", "\"choices\"", "\"contexts\"",
            "\"continuation\"", "\"gold\"", "\"metrics\"", "\"text\"", "\"counted\"", "\"subjects\"", "\"split\"",
            "\"files\"", "\"rows\"", "\"from\"", "\"to\"", "\"draw\"", "\"lines\"", "\"values\"", "\"among\"",
            "\"column\"", "\"rows.jsonl\"", "\"*\"", "\"q\"", "{q}", "{q|strip}", "{a[0]}", "{a[9]}", "{", "random",
            "random_one_more", "winogrande", "hellaswag", "race", "wikitext", "{table}", "{subject}", "..", "/");
    private static final List<String> PIECES = Stream.of(KEYS, RandomChanges.JSON).flatMap(List::stream).toList();
    private static final String QUESTIONS = """
            {"task": "words", "version": {"0.4.13": "1", "0.4.1": "0", "0.4.9.1": "2"},
             "documents": {"split": "test", "files": ["none.jsonl", {"file": "row*.jsonl", "lines": {"l": "lines.txt"}}],
                           "rows": 3, "from": 0, "to": 2},
             "examples": {"split": "train", "files": "rows.jsonl", "draw": "random"},
             "columns": {"c": ["deep.place", "q"], "b": [["q", "l"]]}, "introduction": "Answer.\\n",
             "context": "{q|strip} {a[0]} {c}?", "choices": "a", "gold": {"column": "g", "values": {"A": 0, "B": 1}},
             "metrics": ["acc", "acc_norm"]}""";
    private static final String CONTEXTS = """
            {"task": "contexts", "version": "1", "documents": {"split": "test", "files": "rows.jsonl"},
             "contexts": "a", "continuation": "{q}", "gold": {"column": "right", "among": "a"}}""";
    private static final String TEXT = """
            {"task": "long", "version": "1", "documents": {"split": "test", "files": "rows.jsonl"},
             "text": "{q}", "counted": "{q}", "subjects": ["one", "two"]}""";

    @TempDir
    private Path folder;

    @BeforeEach
    void writeData() throws IOException {
        Files.writeString(folder.resolve("rows.jsonl"), """
                {"q": " one ", "a": ["x", "y"], "g": "A", "right": "y", "deep": {"place": "p"}}
                {"q": "two", "a": ["z", ""], "g": "B", "right": "z", "deep": {"place": 7}}
                {"q": null, "a": [1, true], "g": 0, "right": ["z"]}
                """);
        Files.writeString(folder.resolve("lines.txt"), "first\nsecond\nthird\n");
    }

    @FuzzTest
    void readsAnythingSafely(byte[] bytes) {
        read(bytes);
    }

    @Test
    void survivesRandomChanges() {
        RandomChanges.readJson("TaskFuzzTests", Stream.of(QUESTIONS, CONTEXTS, TEXT)
                .map(text -> text.getBytes(StandardCharsets.UTF_8)).toList(), PIECES, this::read);
    }

    /** Whether the bytes describe a task. */
    private boolean read(byte[] bytes) {
        try {
            List<TaskDescription> tasks = TaskFile.parse(new String(bytes, StandardCharsets.UTF_8), List.of(folder),
                    HarnessVersion.V0_4_13);
            for (TaskDescription task : tasks) {
                try {
                    TaskData data = TaskData.read(task, 1, 2);
                    assertThat(data.documents()).isNotEmpty();
                } catch (ComeException e) {
                    assertSentence(e);
                }
            }
            return true;
        } catch (ComeException e) {
            assertSentence(e);
            return false;
        }
    }

    private static void assertSentence(ComeException e) {
        assertThat(e.getMessage()).isNotBlank();
    }
}
