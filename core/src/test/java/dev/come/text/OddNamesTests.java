package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names that a library of tables could take for a pattern, an address or a field. */
class OddNamesTests {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"text=7", "a=b=c", "{a,b}", "a{1..3}", "[a]", "a]", "[!a]", "a*", "**", "?", "a\\b", "\\",
        "a'b", "a\"b", "a b", "%20", "~", "$HOME", "http:", "s3:", "hf:", "x?y=1", "#", "größe", "😀", "-", "a.gz",
        "a.parquet"})
    void aFolderOfAnyNameIsAFolder(String name) throws Exception {
        Path odd = Files.createDirectories(named(name));
        Files.writeString(odd.resolve("a.csv"), "text,n\none,1\n");
        Files.writeString(odd.resolve("a.jsonl"), "{\"text\": \"one\", \"n\": \"1\"}\n");
        Files.copy(TestParquet.write(folder.resolve("plain.parquet"), "('one', '1')", "text", "n"),
                odd.resolve("a.parquet"));
        for (String file : List.of("a.csv", "a.jsonl", "a.parquet")) {
            RowFile rows = RowFile.of(odd.resolve(file), TextRows.LINES, List.of(RowRecipe.field("text")));
            assertThat(TestRows.of(rows)).as(file).containsExactly("one");
            assertThat(rows.count()).isEqualTo(1);
            assertThat(TableRows.read(odd.resolve(file)).toString()).isEqualTo("[{\"text\":\"one\",\"n\":\"1\"}]");
        }
    }

    /** Java takes no name that the locale cannot spell, as under LC_ALL=C; the launcher never leaves it such a locale. */
    private Path named(String name) {
        try {
            return folder.resolve(name);
        } catch (InvalidPathException e) {
            return abort(String.valueOf(e.getMessage()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a{b,c}", "a[1]", "a*", "a?", "a\\", "a'b"})
    void aFileOfAnyNameIsThatFile(String name) throws Exception {
        Files.writeString(folder.resolve("ab.csv"), "text\nanother\n");
        Files.writeString(folder.resolve("a1.csv"), "text\nanother\n");
        Files.writeString(folder.resolve(name + ".csv"), "text\none\n");
        assertThat(TestRows.of(RowFile.of(folder.resolve(name + ".csv"), TextRows.LINES,
                List.of(RowRecipe.field("text"))))).containsExactly("one");
    }
}
