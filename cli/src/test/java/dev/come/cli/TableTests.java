package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TableTests {
    @Test
    void numbersLineUpUnderTheirHeadings() {
        Table table = new Table("model", "layers", "perplexity").row("original", "30", "17.25").row("pruned", "9",
                "1234.50");
        assertThat(table.toString().lines()).containsExactly(
                "model     layers  perplexity",
                "original      30       17.25",
                "pruned         9     1234.50");
    }

    @Test
    void aRowOfAnotherLengthIsRefused() {
        assertThatThrownBy(() -> new Table("a", "b").row("1")).hasMessage("1 cells under 2 headings");
    }
}
