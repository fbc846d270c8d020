package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.come.InvalidInputException;
import dev.come.RandomChanges;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever lies in a file of JSON objects or of text, compressed or not, reading it ends in rows or in one sentence that names
 * the file. Tables that a library reads have no part in this.
 *
 * <p>A normal build reads the seeds in the resources and some seconds' worth of random changes to sound files. {@code
 * JAZZER_FUZZ=1 mvn -pl core test -Dtest=DataFuzzTests} lets Jazzer search, guided by coverage.
 */
class DataFuzzTests {
    private static final List<RowRecipe> RECIPES = List.of(RowRecipe.field("text"),
            RowRecipe.joined("\n", "instruction", "input", "output"), RowRecipe.questionWithChoiceList(),
            RowRecipe.questionWithChoiceFields());
    private static final String LINES = """
            {"text": "one\\n\\ud83d\\ude00", "n": 1.5, "deep": {"a": [1, {"b": null}]}}

            {"n": null, "text": ""}
            """;
    private static final String LIST = """
            [{"question": "Which?", "choices": ["a", "b", "c", "d"]},
             {"question": "größer?", "choices": ["", "b", "c", "d"]}]""";

    @TempDir
    private Path folder;

    @FuzzTest
    void readsAnyJsonSafely(byte[] bytes) {
        read("fuzz.jsonl", bytes);
    }

    @FuzzTest
    void readsAnyTextSafely(byte[] bytes) {
        read("fuzz.txt", bytes);
    }

    @Test
    void jsonSurvivesRandomChanges() {
        RandomChanges.read("DataFuzzTests, JSON", List.of(bytes(LINES), bytes(LIST)), RandomChanges.JSON,
                bytes -> read("fuzz.jsonl", bytes));
    }

    @Test
    void compressedJsonSurvivesRandomChanges() throws IOException {
        RandomChanges.read("DataFuzzTests, compressed", List.of(zipped(LINES), zipped(LIST)), List.of("", "\0", "{}"),
                bytes -> read("fuzz.json.gz", bytes));
    }

    @Test
    void textSurvivesRandomChanges() {
        RandomChanges.read("DataFuzzTests, text", List.of(bytes("\ufeffone\r\n\r\n two größer\n\n\n"), bytes("\n")),
                List.of("\r", "\n", "\u2028", "\ufeff", "\ud83d\ude00", "\0", " "), bytes -> read("fuzz.txt", bytes));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] zipped(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) {
            out.write(bytes(text));
        }
        return bytes.toByteArray();
    }

    /** Whether the bytes were taken for rows; they are as many as are counted. */
    private boolean read(String name, byte[] bytes) {
        Path path = folder.resolve(name);
        try {
            Files.write(path, bytes);
            boolean taken = false;
            for (TextRows kind : name.endsWith(".txt") ? TextRows.values() : new TextRows[]{TextRows.WHOLE}) {
                RowFile file = RowFile.of(path, kind, RECIPES);
                assertThat(TestRows.of(file)).hasSize((int) file.count());
                taken = true;
            }
            return taken && (name.endsWith(".txt") || !TableRows.read(path).isEmpty());
        } catch (InvalidInputException e) {
            assertThat(e).message().contains(name).doesNotContain("\n");
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
