package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TextRowsTests {
    @Test
    void aWholeFileIsOneRowAsItStands() {
        assertThat(TextRows.WHOLE.of(" one\n\ntwo \n")).containsExactly(" one\n\ntwo \n");
    }

    @Test
    void linesLoseTheirEndsAndBlankOnesAreLeftOut() {
        assertThat(TextRows.LINES.of("one\r\n \n two\n")).containsExactly("one", " two");
    }

    @Test
    void paragraphsLieBetweenBlankLines() {
        assertThat(TextRows.PARAGRAPHS.of("\none\nand more\n \t\n\r\n  two\r\n")).containsExactly("one\nand more",
                "  two");
    }

    @Test
    void withoutABlankLineEveryLineIsAParagraph() {
        assertThat(TextRows.PARAGRAPHS.of("one\ntwo\n")).containsExactly("one", "two");
        assertThat(TextRows.PARAGRAPHS.of(" \n")).isEmpty();
    }

    @Test
    void rowsOfWikitextKeepTheirLineFeedAndBlankOnesAreEmpty() {
        assertThat(TextRows.WIKITEXT.of(" \n = Title = \n \n one \n two")).containsExactly("", " = Title = \n", "",
                " one \n", " two");
    }
}
