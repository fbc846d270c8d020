package dev.come.model;

/** What a family computes otherwise than Llama, beside what its parts and its keys tell. */
public enum Trait {
    /** Embeddings are scaled by the root of the hidden size. */
    SCALED_EMBEDDING,
    /** {@code logits_scaling} multiplies the logits; elsewhere it divides them. */
    LOGITS_MULTIPLIED,
    /** The activation "gelu" means the one that is approximated with tanh. */
    GELU_IS_TANH,
    /** The norms before attention and feed-forward, and the last one, have neither weights nor biases. */
    NORMS_WITHOUT_WEIGHTS,
    /**
     * Attention and feed-forward read the same residual stream, and both add to it, unless {@code use_parallel_residual} says
     * otherwise; elsewhere feed-forward reads what attention has added to.
     */
    SIDE_BY_SIDE,
    /** Side by side both read the norm before attention, and there is none before feed-forward. */
    ONE_NORM_FOR_BOTH,
    /** A pair of channels that positions turn are neighbours; elsewhere one lies as far in the first half as the other in the second. */
    NEIGHBOURS_TURN,
    /** The norms of heads come after positions have turned them; elsewhere before. */
    HEAD_NORMS_AFTER_TURNING,
    /** Positions turn only the layers that slide. */
    ONLY_SLIDING_TURNS,
    /** But they turn all layers of a model that has no window. */
    ALL_TURN_WITHOUT_WINDOW,
    /** No key outside of the rotary settings tells the base of the frequencies in layers that slide. */
    LOCAL_BASE_IS_FIXED,
    /** Rope type dynamic with an {@code alpha} is a larger base, whatever the length of a text. */
    ALPHA_STRETCHES_BASE,
    /** Positions are those of time, height and width, which are equal in text; rope type mrope is no scaling. */
    POSITIONS_IN_SECTIONS,
    /** Queries grow with their position, as the rotary settings say. */
    QUERIES_GROW,
    /** Matrices are stored as {@code (in, out)}, so that parts that lie together lie column after column. */
    MATRICES_TRANSPOSED,
    /** The first row of the embedding of positions is that of the first position; elsewhere two rows come before. */
    POSITIONS_FROM_FIRST_ROW,
    /** Without a size of its own feed-forward is four times as wide as the residual stream. */
    FOUR_TIMES_AS_WIDE,
    /** Of each head queries, keys and values lie together in one tensor; elsewhere all queries come first. */
    HEADS_TOGETHER
}
