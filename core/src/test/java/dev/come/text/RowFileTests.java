package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowFileTests {
    @TempDir
    Path temporary;

    /** DuckDB would take such a name for a pattern. */
    private Path folder;

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectory(temporary.resolve("data[1]*"));
    }

    private Path write(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    private Path compressed(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(content.getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    private Path latin1(String name, String content) throws IOException {
        return Files.write(folder.resolve(name), content.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static List<String> rows(Path file, RowRecipe... recipes) {
        RowFile rowFile = RowFile.of(file, TextRows.LINES, List.of(recipes));
        List<String> rows = TestRows.of(rowFile);
        assertThat(rows).hasSize((int) rowFile.count());
        return rows;
    }

    private static List<String> rows(Path file) {
        return rows(file, RowRecipe.field("text"));
    }

    private static void assertRefused(Path file, String message) {
        assertThatThrownBy(() -> rows(file)).isInstanceOf(InvalidInputException.class).hasMessage(file + message);
    }

    @Test
    void plainTextIsReadCompressedOrNot() throws IOException {
        assertThat(rows(write("a.txt", "größer\n😀 two\n"))).containsExactly("größer", "😀 two");
        assertThat(rows(compressed("a.txt.gz", "größer\n😀 two\n"))).containsExactly("größer", "😀 two");
    }

    @Test
    void jsonIsReadByLineAsAnArrayAndCompressed() throws IOException {
        String lines = "{\"text\": \"größer\\n\\\"😀\\\"\", \"n\": 1}\n\n{\"n\": 2, \"text\": \"\"}\n";
        assertThat(rows(write("a.jsonl", lines))).containsExactly("größer\n\"😀\"", "");
        assertThat(rows(compressed("a.json.gz", lines))).containsExactly("größer\n\"😀\"", "");
        assertThat(rows(write("a.json", "[\n {\"text\": \"one\"},\n {\"text\": \"two\"}\n]"))).containsExactly("one",
                "two");
    }

    @Test
    void aTextThatLooksLikeADateOrANumberStaysAsItIs() throws IOException {
        assertThat(rows(write("a.jsonl", "{\"text\": \"2012-1-02\"}\n{\"text\": \"007\"}\n")))
                .containsExactly("2012-1-02", "007");
        assertThat(rows(write("a.csv", "text,n\n2012-1-02,1\n 007 ,2\n"))).containsExactly("2012-1-02", " 007 ");
    }

    @Test
    void quotesInCsvHoldCommasQuotesAndLineFeeds() throws IOException {
        Path file = write("a.csv", "text,n\n\"say \"\"hi\"\", now\nand then\",1\n#plain,2\n,3\n\"\",4\n");
        assertThat(rows(file)).containsExactly("say \"hi\", now\nand then", "#plain", "", "");
    }

    @Test
    void parquetIsRead() throws Exception {
        Path file = TestParquet.write(folder.resolve("a.parquet"), "(1, 'größer'), (2, '')", "n", "text");
        assertThat(rows(file)).containsExactly("größer", "");
    }

    @Test
    void onlyTheRowsThatAreWantedAreHandedOver() throws IOException {
        Path file = write("a.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n{\"text\": \"three\"}\n");
        RowFile rows = RowFile.of(file, TextRows.LINES, List.of(RowRecipe.field("text")));
        assertThat(TestRows.of(rows::read, row -> row == 1)).containsExactly("two");
    }

    @Test
    void aRecipeJoinsFields() throws IOException {
        Path alpaca = write("a.jsonl", "{\"output\": \"C\", \"instruction\": \"A's\", \"input\": \"\"}\n");
        assertThat(rows(alpaca, RowRecipe.joined("\n", "instruction", "input", "output"))).containsExactly("A's\n\nC");
    }

    @Test
    void aQuestionIsFollowedByItsChoices() throws Exception {
        Path fields = write("a.csv", "question,choice0,choice1,choice2,choice3,answer\nWhich?,one,two,\"3, 4\",,2\n");
        Path list = TestParquet.write(folder.resolve("a.parquet"), "('Which?', ['one', 'two', '3, 4', ''])",
                "question", "choices");
        for (Path file : List.of(fields, list)) {
            assertThat(rows(file, RowRecipe.questionWithChoiceFields(), RowRecipe.questionWithChoiceList()))
                    .containsExactly("Which?\nA. one\nB. two\nC. 3, 4\nD. \nAnswer:");
        }
    }

    @Test
    void aMissingFieldIsNamedWithThoseThatAreThere() throws IOException {
        assertRefused(write("a.jsonl", "{\"body\": \"one\", \"n\": 1}\n"), " has no field text; it has body, n.");
        Path file = write("b.csv", "body,n\none,1\n");
        assertRefused(file, " has no field text; it has body, n.");
        assertThatThrownBy(() -> rows(file, RowRecipe.field("text"), RowRecipe.joined(" ", "input", "output")))
                .hasMessage(file + " has no field text, nor input and output; it has body, n.");
    }

    @Test
    void aRowWithoutTextIsNamed() throws IOException {
        assertRefused(write("a.jsonl", "{\"text\": \"one\"}\n{\"n\": 1}\n"),
                " has a row without text: row 1 (counted from 0) lacks text.");
    }

    @Test
    void brokenFilesAreNamed() throws IOException {
        Path json = write("a.json", "[{\"text\": \"one\"}, {\"text\":");
        assertThatThrownBy(() -> rows(json)).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(json + " cannot be read as UTF-8 JSON objects: ")
                .hasMessageContaining("Unexpected end-of-input");
        Path csv = write("a.csv", "text,n\none,1,9\n\"open,1\n");
        assertThatThrownBy(() -> rows(csv)).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(csv + " cannot be read as UTF-8 CSV with a header line, commas between fields");
        Path pointer = write("a.parquet", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123456\n");
        assertThatThrownBy(() -> rows(pointer)).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(pointer + " cannot be read as parquet: ");
        Path gzip = write("a.txt.gz", "not compressed");
        assertThatThrownBy(() -> rows(gzip)).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(gzip + " cannot be read: ");
    }

    @Test
    void whatIsNotUtf8IsRefused() throws IOException {
        assertRefused(latin1("a.txt", "abc café"),
                " is not UTF-8 text: byte 7 cannot be decoded; convert the file to UTF-8.");
        for (Path file : List.of(latin1("a.jsonl", "{\"text\": \"café\"}\n"), latin1("a.csv", "text\ncafé\n"))) {
            assertThatThrownBy(() -> rows(file)).isInstanceOf(InvalidInputException.class)
                    .hasMessageStartingWith(file + " cannot be read as UTF-8 ");
        }
    }

    @Test
    void aTextOfAnotherTypeIsRefusedWithTheType() throws Exception {
        String where = " in the field text of row 1 (counted from 0), where a text was expected.";
        for (List<String> value : List.of(List.of("7", "a number"), List.of("1.5", "a number"),
                List.of("true", "a truth value"),
                List.of("[\"a\"]", "a list"), List.of("{\"a\": \"b\"}", "an object"))) {
            assertRefused(write("a.jsonl", "{\"text\": \"one\"}\n{\"text\": " + value.getFirst() + "}\n"),
                    " has " + value.getLast() + where);
        }
        for (List<String> value : List.of(List.of("7", "INTEGER"), List.of("['a']", "VARCHAR[]"),
                List.of("'a'::BLOB", "BLOB"), List.of("{'a': 'b'}", "STRUCT(a VARCHAR)"))) {
            assertRefused(TestParquet.write(folder.resolve("a.parquet"), "(" + value.getFirst() + ")", "text"),
                    " has the type " + value.getLast() + " in the field text, where a text (VARCHAR) was expected.");
        }
    }

    @Test
    void theNameOfAFolderIsNoField() throws Exception {
        Path key = Files.createDirectories(folder.resolve("text=7"));
        Files.writeString(key.resolve("a.csv"), "text\none\n");
        Files.writeString(key.resolve("a.jsonl"), "{\"text\": \"one\"}\n");
        TestParquet.write(key.resolve("a.parquet"), "('one')", "text");
        for (String name : List.of("a.csv", "a.jsonl", "a.parquet")) {
            assertThat(rows(key.resolve(name))).as(name).containsExactly("one");
        }
    }

    /** A relative path, which begins with what would be an address. */
    @Test
    void aPathThatBeginsLikeAnAddressIsAFolder() throws Exception {
        Path local = Path.of("file:", temporary.getFileName().toString());
        Files.createDirectories(local);
        try {
            Files.writeString(local.resolve("a.csv"), "text\none\n");
            TestParquet.write(folder.resolve("a.parquet"), "('one')", "text");
            Files.copy(folder.resolve("a.parquet"), local.resolve("a.parquet"));
            assertThat(rows(local.resolve("a.csv"))).containsExactly("one");
            assertThat(rows(local.resolve("a.parquet"))).containsExactly("one");
        } finally {
            for (Path path : List.of(local.resolve("a.csv"), local.resolve("a.parquet"), local, Path.of("file:"))) {
                Files.deleteIfExists(path);
            }
        }
    }

    @Test
    void jsonBeyondASaneBoundIsRefusedInOneSentence() throws IOException {
        for (int depth : List.of(101, 1_000_000)) {
            Path deep = write("deep.jsonl",
                    "{\"text\": \"one\"}\n{\"text\": \"two\", \"n\": " + "[".repeat(depth) + "]".repeat(depth)
                            + "}\n");
            for (RowFile file : List.of(RowFile.of(deep, TextRows.LINES, List.of(RowRecipe.field("text"))))) {
                assertThatThrownBy(() -> TestRows.of(file)).isInstanceOf(InvalidInputException.class)
                        .hasMessageStartingWith(
                                deep + " is beyond what is read of a JSON file: Document nesting depth (");
                assertThatThrownBy(file::count).isInstanceOf(InvalidInputException.class);
            }
            assertThatThrownBy(() -> TableRows.read(deep)).isInstanceOf(InvalidInputException.class);
        }
        StringBuilder many = new StringBuilder("{\"n\": 0");
        for (int i = 0; i < 10_001; i++) {
            many.append(", \"f").append(i).append("\": 0");
        }
        assertRefused(write("wide.jsonl", many.append("}\n").toString()),
                " has more than 10000 different fields: rows that all have the same few fields were expected.");
    }

    @Test
    void jsonThatIsNoObjectsIsRefused() throws IOException {
        for (String content : List.of("[[{\"text\": \"one\"}]]", "\"text\"", "[7]")) {
            assertRefused(write("a.json", content),
                    " has something else than an object as row 0 (counted from 0): UTF-8 JSON objects were"
                            + " expected, one after the other or in one list.");
        }
        assertRefused(write("a.json", "{\"text\": \"\\ud83d\\ude00 \\ud83d\"}"),
                " has half of a surrogate pair in the field text of"
                        + " row 0 (counted from 0), which is no character: mend the file.");
    }

    @Test
    void rowsOfTasksHaveAllFieldsAndTheirTypes() throws IOException {
        assertThat(
                TableRows.read(write("a.jsonl", "{\"a\": 1, \"b\": [\"x\"]}\n{\"c\": 1.50, \"a\": null}\n")).toString())
                .isEqualTo("[{\"a\":1,\"b\":[\"x\"],\"c\":null}, {\"a\":null,\"b\":null,\"c\":1.5}]");
    }

    /** What a download that was broken off leaves, or a full disk. */
    @Test
    void compressedFilesThatWereCutShortAreRefusedInOneSentence() throws IOException {
        byte[] whole = Files.readAllBytes(compressed("whole.jsonl.gz", "{\"text\": \"one\"}\n".repeat(1000)));
        for (int length = 0; length < whole.length; length++) {
            for (String name : List.of("cut.jsonl.gz", "cut.txt.gz")) {
                Path cut = Files.write(folder.resolve(name), Arrays.copyOf(whole, length));
                assertThatThrownBy(() -> rows(cut)).as("%s bytes", length).isInstanceOf(InvalidInputException.class)
                        .hasMessageStartingWith(cut + " cannot be read: ").message().doesNotContain("null", "\n");
            }
        }
    }

    @Test
    void anEmptyFileIsRefused() throws IOException {
        assertRefused(write("a.txt", ""), " is empty: text was expected.");
        assertRefused(write("a.jsonl", ""), " is empty: UTF-8 JSON objects was expected.");
    }

    @Test
    void anUnknownEndingIsRefused() {
        Path file = folder.resolve("a.pdf");
        assertRefused(file,
                " has an unknown ending: text is read from files that end in txt, txt.gz, raw, utf8, parquet,"
                        + " jsonl, jsonl.gz, json, json.gz, csv, csv.gz.");
    }
}
