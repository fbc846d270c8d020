package dev.come.text;

import java.util.Arrays;
import java.util.List;

/** How a plain text file falls into rows. */
enum TextRows {
    /** The file is one row, as it stands. */
    WHOLE,

    /** Each line that is not blank is a row, without its line end. */
    LINES,

    /**
     * Blocks of lines between blank lines are rows; a file without a blank line has one row per line, so that a file with
     * one document on each line is read as it is meant.
     */
    PARAGRAPHS,

    /**
     * Lines are rows and keep their line feed, blank ones are empty rows: the rows of the data set {@code wikitext} on
     * Hugging Face, which was made from these files.
     */
    WIKITEXT;

    List<String> of(String text) {
        return switch (this) {
            case WHOLE -> List.of(text);
            case LINES -> lines(text);
            case PARAGRAPHS -> paragraphs(text);
            case WIKITEXT -> wikitext(text);
        };
    }

    private static List<String> lines(String text) {
        return text.lines().filter(line -> !line.isBlank()).toList();
    }

    private static List<String> paragraphs(String text) {
        List<String> paragraphs = List.of(text.strip().split("\\r?\\n(?:[ \\t]*\\r?\\n)+"));
        return paragraphs.size() == 1 ? lines(text) : paragraphs;
    }

    private static List<String> wikitext(String text) {
        return Arrays.stream(text.split("(?<=\n)")).map(line -> line.isBlank() ? "" : line).toList();
    }
}
