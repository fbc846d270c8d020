package dev.come.vocabulary;

import java.util.Arrays;
import java.util.Optional;

/**
 * An entry of a SentencePiece vocabulary; its place in the list is its id.
 *
 * @param text blanks are spelt U+2581
 * @param score pieces with a higher one are preferred
 */
public record Piece(String text, float score, Kind kind) {
    /** What a piece is for, with the number that SentencePiece files and GGUF files have for it. */
    public enum Kind {
        /** Text that pieces are joined to. */
        NORMAL(1),
        /** Stands for what no piece covers. */
        UNKNOWN(2),
        /** No text, such as the end of a text. */
        CONTROL(3),
        /** Text that is found before anything else is done. */
        USER_DEFINED(4),
        /** Never comes out. */
        UNUSED(5),
        /** A byte of text that no piece covers. */
        BYTE(6);

        private final int number;

        Kind(int number) {
            this.number = number;
        }

        /** The number in the files. */
        public int number() {
            return number;
        }

        /** The kind with that number. */
        public static Optional<Kind> numbered(long number) {
            return Arrays.stream(values()).filter(kind -> kind.number == number).findFirst();
        }
    }
}
