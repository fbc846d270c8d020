package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** Values that a library of tables gives otherwise than a file has them. The parquet files are of make_tables.py. */
class TableValuesTests {
    private static final Path TABLES = Path.of("src/test/resources/fixtures/tables");

    @TempDir
    private Path folder;

    private static List<String> texts(Path file, String field) {
        return TestRows.of(RowFile.of(file, TextRows.LINES, List.of(RowRecipe.field(field))));
    }

    /** DuckDB calls the second A_1, and gives the first to who asks for A. */
    @Test
    void fieldsThatDifferInCaseAreTwo() throws IOException {
        Path parquet = TABLES.resolve("case.parquet");
        Path csv = Files.writeString(folder.resolve("case.csv"), "a,A\nlow,high\nx,y\n");
        Path json = Files.writeString(folder.resolve("case.jsonl"),
                "{\"a\": \"low\", \"A\": \"high\"}\n{\"a\": \"x\", \"A\": \"y\"}\n");
        for (Path file : List.of(parquet, csv, json)) {
            assertThat(texts(file, "a")).as("%s", file).containsExactly("low", "x");
            assertThat(texts(file, "A")).as("%s", file).containsExactly("high", "y");
            assertThat(TableRows.read(file).toString()).as("%s", file)
                    .isEqualTo("[{\"a\":\"low\",\"A\":\"high\"}, {\"a\":\"x\",\"A\":\"y\"}]");
        }
    }

    /** DuckDB makes 3.47e53 of the first and 25165824.0 of a 1.5 inside. */
    @ParameterizedTest
    @CsvSource({"wide, big, 42", "wide-inside, s, 50"})
    void decimalsOfMoreThan38DigitsAreRefused(String name, String field, int digits) {
        Path file = TABLES.resolve(name + ".parquet");
        assertThatThrownBy(() -> TableRows.read(file)).isInstanceOf(InvalidInputException.class)
                .hasMessage(file + ": the field " + field + " has decimals of " + digits
                        + " digits, where 38 are read at most; write it as a text.");
    }

    @Test
    void textsBesideSuchDecimalsAreRead() {
        assertThat(texts(TABLES.resolve("wide.parquet"), "text")).containsExactly("one", "two");
        assertThatThrownBy(() -> texts(TABLES.resolve("wide.parquet"), "big"))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining("in the field big, where a text");
    }

    @Test
    void decimalsOf38DigitsKeepAllOfThem() {
        List<ObjectNode> rows = TableRows.read(TABLES.resolve("exact.parquet"));
        assertThat(rows.get(0).get("exact").asString()).isEqualTo("123456789012345678901234567890.12345678");
        assertThat(rows.get(1).get("exact").asString()).isEqualTo("1.10000000");
    }

    @Test
    void fieldsInAFieldThatDifferInCaseAreRefused() {
        Path file = TABLES.resolve("case-inside.parquet");
        assertThatThrownBy(() -> TableRows.read(file)).isInstanceOf(InvalidInputException.class).hasMessage(file
                + ": the field s has fields in it that differ in case only (X); give one of them another name.");
    }

    /** Text that holds JSON is a text, as in Python. */
    @Test
    void aTextOfJsonStaysAText() throws Exception {
        Path file = TestParquet.write(folder.resolve("a.parquet"), "('{\"x\": [1, \"2\"]}'::JSON, 1)", "j", "n");
        assertThat(TableRows.read(file).getFirst().get("j").asString()).isEqualTo("{\"x\": [1, \"2\"]}");
    }

    @Test
    void aMapOfManyKeysIsReadAsOne() throws Exception {
        Path file = TestParquet.write(folder.resolve("a.parquet"),
                "(map_from_entries(list_transform(range(3000), i -> ('k' || i, i))))", "m");
        Path json = Files.writeString(folder.resolve("a.jsonl"), IntStream.range(0, 3000)
                .mapToObj(i -> "\"k" + i + "\": " + i).collect(Collectors.joining(", ", "{\"m\": {", "}}\n")));
        assertThat(TableRows.read(file).getFirst().get("m").size()).isEqualTo(3000);
        assertThat(TableRows.read(file)).isEqualTo(TableRows.read(json));
    }

    /** Each value keeps its type; a text has no quotes around it. */
    @Test
    void mixedTypesInJsonStayWhatTheyAre() throws IOException {
        Path file = Files.writeString(folder.resolve("a.jsonl"), """
                {"v": "one"}
                {"v": 2}
                {"v": [3, "four"]}
                {"v": null}
                {"w": 1234567890123456789012345678901234567890123456789012345678901234567890}
                """);
        assertThat(TableRows.read(file).stream().map(row -> row.get("v").toString()))
                .containsExactly("\"one\"", "2", "[3,\"four\"]", "null", "null");
        assertThat(TableRows.read(file).getFirst().get("v").asString()).isEqualTo("one");
        assertThat(TableRows.read(file).getLast().get("w").asString())
                .isEqualTo("1234567890123456789012345678901234567890123456789012345678901234567890");
        assertThatThrownBy(() -> texts(file, "v")).isInstanceOf(InvalidInputException.class).hasMessage(
                file + " has a number in the field v of row 1 (counted from 0), where a text was expected.");
    }

    /** A file that says twice the same name has one field of it, and others under names that tell them apart. */
    @ParameterizedTest
    @ValueSource(strings = {"a,a\n1,2\n", "a,\n1,2\n"})
    void aNameThatIsMissingOrGivenTwiceIsMadeUp(String content) throws IOException {
        ObjectNode row = TableRows.read(Files.writeString(folder.resolve("a.csv"), content)).getFirst();
        assertThat(row.size()).isEqualTo(2);
        assertThat(row.get("a").asString()).isEqualTo("1");
    }
}
