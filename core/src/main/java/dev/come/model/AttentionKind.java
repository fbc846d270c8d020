package dev.come.model;

import java.util.Optional;

/**
 * How the attention of a layer looks at the tokens before. It may differ from one layer of a model to the next though
 * all tensors have the same shapes.
 *
 * @param window how many tokens a token sees, itself included; {@link #EVERYTHING} where nothing is cut off
 * @param rotary how positions turn queries and keys; absent where they do not
 */
public record AttentionKind(int window, Optional<RotaryEmbedding> rotary) {
    /** The window of attention that sees all tokens before. */
    public static final int EVERYTHING = Integer.MAX_VALUE;

    /** Whether a token sees fewer tokens than come before it in a sequence of such a length. */
    boolean cuts(long length) {
        return length > window;
    }
}
