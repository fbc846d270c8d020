package dev.come.text;

/**
 * Takes rows of text, one after the other, each in pieces: a row may be larger than memory. Whoever sends rows calls
 * {@link #begin}; if the row is wanted then any number of times {@link #text}, and {@link #end}.
 */
interface RowSink {
    /** The next row begins; returns whether its text is wanted. */
    boolean begin();

    /** Takes the next characters of the row. The array is the sender's and changes after the call. */
    void text(char[] characters, int from, int length);

    /** The row, which was wanted, is complete. */
    void end();

    /** Whether no further row or piece is wanted: the sender may stop at any point. */
    default boolean isFull() {
        return false;
    }

    /** Sends a whole text as a part of the row. */
    default void text(String text) {
        char[] piece = new char[Math.min(text.length(), 1 << 16)];
        for (int from = 0; from < text.length(); from += piece.length) {
            int length = Math.min(piece.length, text.length() - from);
            text.getChars(from, from + length, piece, 0);
            text(piece, 0, length);
        }
    }

    /** Counts rows and wants none. */
    final class Counter implements RowSink {
        private final long most;
        private long rows;

        /** @param most after how many rows it is full */
        Counter(long most) {
            this.most = most;
        }

        long rows() {
            return rows;
        }

        @Override
        public boolean begin() {
            rows++;
            return false;
        }

        @Override
        public void text(char[] characters, int from, int length) {
            throw new IllegalStateException("no row was wanted");
        }

        @Override
        public void end() {
            throw new IllegalStateException("no row was wanted");
        }

        @Override
        public boolean isFull() {
            return rows >= most;
        }
    }
}
