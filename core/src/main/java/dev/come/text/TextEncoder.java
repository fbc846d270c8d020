package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.memory.NativeMemory;
import java.util.Arrays;

/**
 * Encodes a text of any length that comes piece by piece. The ids are those of the whole text; memory is that of a piece,
 * about 140 bytes for each byte of it, since the text is cut where the tokenizer sees no connection ({@link SafeCuts}). A
 * text of up to one piece is encoded at once.
 *
 * <p>Where there is no such place the piece grows; if it becomes too large for memory, the text is refused.
 */
final class TextEncoder {
    /** Characters in a piece. */
    static final int PIECE = 1 << 18;
    /** Characters without a place to cut: about 5 GB while they are encoded. */
    private static final int LARGEST_PIECE = 1 << 25;

    private final Tokenizer tokenizer;
    private final boolean specialTokens;
    private final TokenIds ids;
    private final int piece;
    private final int largestPiece;
    private char[] held = new char[1 << 12];
    private int length;
    private int searched;
    private boolean cut;
    private long characters;

    /**
     * @param specialTokens whether the special tokens that the model expects around a text are added
     * @param ids takes the ids
     */
    TextEncoder(Tokenizer tokenizer, boolean specialTokens, TokenIds ids) {
        this(tokenizer, specialTokens, ids, PIECE, LARGEST_PIECE);
    }

    TextEncoder(Tokenizer tokenizer, boolean specialTokens, TokenIds ids, int piece, int largestPiece) {
        this.tokenizer = tokenizer;
        this.specialTokens = specialTokens;
        this.ids = ids;
        this.piece = piece;
        this.largestPiece = largestPiece;
    }

    /** Goes on with the text. */
    void append(char[] text, int from, int count) {
        for (int taken = 0; taken < count && !ids.isFull();) {
            int now = Math.min(count - taken, piece);
            if (length + now > held.length) {
                held = Arrays.copyOf(held, Math.max(2 * held.length, length + now));
            }
            System.arraycopy(text, from + taken, held, length, now);
            length += now;
            taken += now;
            if (length - searched >= piece) {
                encodeBeginning();
            }
        }
    }

    /** Goes on with the text. */
    void append(String text) {
        append(text.toCharArray(), 0, text.length());
    }

    private void encodeBeginning() {
        SafeCuts cuts = tokenizer.cuts();
        int end = cuts.last(held, searched, length);
        if (end > 0) {
            if (!cut && specialTokens) {
                ids.add(cuts.before());
            }
            encode(cuts, end);
            cut = true;
            length -= end;
            System.arraycopy(held, end, held, 0, length);
            searched = 0;
        } else if (length >= largestPiece) {
            throw new InvalidInputException("A text has " + length + " characters in one place that this tokenizer does"
                    + " not let be encoded in pieces: divide it by line ends between letters, or give less of it.");
        } else {
            searched = Math.max(0, length - SafeCuts.CONTEXT);
        }
    }

    /** Encodes the first characters, as a piece that is not the whole text. */
    private void encode(SafeCuts cuts, int end) {
        characters += Character.codePointCount(held, 0, end);
        String text = new String(held, 0, end);
        if (!cut || cuts.guard().isEmpty()) {
            ids.add(tokenizer.encodeAtOnce(text, false));
            return;
        }
        int[] guard = cuts.guardIds();
        int[] all = tokenizer.encodeAtOnce(cuts.guard() + text, false);
        if (!Arrays.equals(all, 0, guard.length, guard, 0, guard.length)) {
            throw new IllegalStateException("the tokenizer joins what stands before a piece of text with it");
        }
        ids.add(Arrays.copyOfRange(all, guard.length, all.length));
    }

    /** The text has ended, or no more of it is wanted; the next may follow. */
    void finish() {
        if (!cut) {
            if (!ids.isFull()) {
                characters += Character.codePointCount(held, 0, length);
                ids.add(tokenizer.encodeAtOnce(new String(held, 0, length), specialTokens));
            }
        } else if (!ids.isFull()) {
            encode(tokenizer.cuts(), length);
            if (specialTokens) {
                ids.add(tokenizer.cuts().after());
            }
        }
        if (cut) {
            NativeMemory.giveBackFreed();
        }
        ids.endSequence();
        length = 0;
        searched = 0;
        cut = false;
    }

    /** Unicode characters in what was encoded so far. */
    long characters() {
        return characters;
    }
}
