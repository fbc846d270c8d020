package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextRowsTests {
    @TempDir
    private Path folder;

    private List<String> rows(TextRows kind, String text) throws IOException {
        Path file = Files.writeString(folder.resolve("a.txt"), text);
        return TestRows.of(RowFile.of(file, kind, List.of()));
    }

    @Test
    void aWholeFileIsOneRowAsItStands() throws IOException {
        assertThat(rows(TextRows.WHOLE, " one\n\ntwo \n")).containsExactly(" one\n\ntwo \n");
    }

    @Test
    void linesLoseTheirEndsAndBlankOnesAreLeftOut() throws IOException {
        assertThat(rows(TextRows.LINES, "one\r\n \n two\n")).containsExactly("one", " two");
    }

    @Test
    void paragraphsLieBetweenBlankLines() throws IOException {
        assertThat(rows(TextRows.PARAGRAPHS, "\none\nand more\n \t\n\r\n  two\r\n")).containsExactly("one\nand more",
                "  two");
    }

    @Test
    void withoutABlankLineEveryLineIsAParagraph() throws IOException {
        assertThat(rows(TextRows.PARAGRAPHS, "one\ntwo\n")).containsExactly("one", "two");
        assertThat(rows(TextRows.PARAGRAPHS, " \n")).isEmpty();
    }

    @Test
    void rowsOfWikitextKeepTheirLineFeedAndBlankOnesAreEmpty() throws IOException {
        assertThat(rows(TextRows.WIKITEXT, " \n = Title = \n \n one \n two")).containsExactly("", " = Title = \n", "",
                " one \n", " two");
    }

    @Test
    void lineEndsOfOtherSystemsAreLineFeeds() throws IOException {
        assertThat(rows(TextRows.WHOLE, "one\r\ntwo\rthree\r\r\n\nfour\r"))
                .containsExactly("one\ntwo\nthree\n\n\nfour\n");
        String text = "word\r\n".repeat(40_000); // a CR is the last character of a buffer
        assertThat(rows(TextRows.WHOLE, text)).containsExactly(text.replace("\r\n", "\n"));
    }

    @Test
    void aByteOrderMarkIsNoTextAtTheBeginningAlone() throws IOException {
        assertThat(rows(TextRows.WHOLE, "\uFEFFone\uFEFF\n")).containsExactly("one\uFEFF\n");
        assertThat(rows(TextRows.LINES, "\uFEFFone\n\uFEFFtwo\n")).containsExactly("one", "\uFEFFtwo");
    }

    /** What rows are, said over the whole text at once. */
    private static List<String> slowly(TextRows kind, String text) {
        return switch (kind) {
            case WHOLE -> List.of(text);
            case LINES -> text.lines().filter(line -> !line.isBlank()).toList();
            case PARAGRAPHS -> text.isBlank() ? List.of() : List.of(text.strip().split("\\n(?:[ \\t]*\\n)+"));
            case WIKITEXT -> text.isEmpty()
                    ? List.of()
                    : Arrays.stream(text.split("(?<=\n)")).map(line -> line.isBlank() ? "" : line).toList();
        };
    }

    @Test
    void rowsAreTheSameInWhateverPiecesTheTextComes() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int trial = 0; trial < 3000; trial++) {
            StringBuilder text = new StringBuilder();
            int length = random.nextInt(40);
            while (text.length() < length) {
                text.append("ab \n\n\t\u2003\f\u00a0".charAt(random.nextInt(9)));
            }
            for (TextRows kind : List.of(TextRows.LINES, TextRows.PARAGRAPHS, TextRows.WIKITEXT)) {
                assertThat(TestRows.of(kind, text.toString(), 1 + random.nextInt(20))).as("%s, seed %d", kind, seed)
                        .isEqualTo(slowly(kind, text.toString()));
            }
        }
    }

    @Test
    void aRunOfBlanksWithoutEndIsRefused() {
        assertThatThrownBy(() -> TestRows.of(TextRows.PARAGRAPHS, "one" + "\n".repeat((1 << 24) + 1), 1 << 16))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("a.txt has more than 16777216 blanks and line ends in one place: leave them out.");
    }
}
