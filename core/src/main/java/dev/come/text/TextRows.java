package dev.come.text;

/** How a plain text file falls into rows. */
enum TextRows {
    /** The file is one row, as it stands. */
    WHOLE,

    /** Each line that is not blank is a row, without its line end. */
    LINES,

    /**
     * Blocks of lines between blank lines are rows. A file without a blank line has one row per line, so that a file
     * with one document on each line is read as it is meant.
     */
    PARAGRAPHS,

    /**
     * Lines are rows and keep their line feed; blank lines are empty rows. These are the rows of the data set
     * {@code wikitext} on Hugging Face, which was made from these files.
     */
    WIKITEXT
}
