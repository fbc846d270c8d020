package dev.come.chat;

/**
 * A piece of a template.
 *
 * @param kind what it is
 * @param text of it: of a string what it stands for, without quotes
 */
record Token(Kind kind, String text) {
    enum Kind {
        /** Text between tags. */
        DATA,
        /** Two braces, which begin something that is printed. */
        PRINT,
        /** A brace and a percent sign, which begin a statement. */
        STATEMENT,
        /** The end of either. */
        END,
        /** A word. */
        NAME,
        /** A whole number. */
        INTEGER,
        /** A text in quotes. */
        STRING,
        /** A sign, such as a bracket or two equals signs. */
        SIGN,
        /** The end of the template. */
        EOF
    }

    boolean is(Kind other, String word) {
        return kind == other && text.equals(word);
    }
}
