package dev.come.model;

import java.util.Optional;

/**
 * The meaning of a tensor of a decoder layer, whatever its family calls it. {@link #axis()} tells along which axis the
 * tensor falls apart into heads or channels; everything that slices or merges layers follows from it. No family has all
 * of them.
 *
 * <p>Matrices are stored as in PyTorch: {@code (out, in)}.
 */
public enum Part {
    /** Before attention; after it and the residual sum in models that norm afterwards. */
    ATTENTION_NORM(Axis.AVERAGED), //
    ATTENTION_NORM_BIAS(Axis.AVERAGED), //
    QUERY(Axis.QUERY_ROWS), //
    QUERY_BIAS(Axis.QUERY_ROWS), //
    KEY(Axis.KEY_VALUE_ROWS), //
    KEY_BIAS(Axis.KEY_VALUE_ROWS), //
    VALUE(Axis.KEY_VALUE_ROWS), //
    VALUE_BIAS(Axis.KEY_VALUE_ROWS), //
    /** Of each query head by itself; all heads share it. */
    QUERY_NORM(Axis.BY_RATIO), //
    /** Of each key head by itself; all heads share it. */
    KEY_NORM(Axis.BY_RATIO), //
    /** Of the channels of all query heads together. */
    ALL_QUERIES_NORM(Axis.QUERY_ROWS), //
    /** Of the channels of all key heads together. */
    ALL_KEYS_NORM(Axis.KEY_VALUE_ROWS), //
    /** Of what all heads give, before the output projection. */
    ATTENTION_SUB_NORM(Axis.QUERY_ROWS), //
    /** What each query head holds against all scores of a token: it counts in softmax as one more score, of a token without a value. */
    ATTENTION_SINKS(Axis.QUERY_HEADS), //
    OUTPUT(Axis.QUERY_COLUMNS), //
    OUTPUT_BIAS(Axis.BY_RATIO), //
    /** Of what attention adds to the residual stream. */
    ATTENTION_OUTPUT_NORM(Axis.AVERAGED), //
    /** Before the feed-forward part; after it and the residual sum in models that norm afterwards. */
    FEED_FORWARD_NORM(Axis.AVERAGED), //
    FEED_FORWARD_NORM_BIAS(Axis.AVERAGED), //
    /** Goes through the activation and scales what {@link #UP} gives. Without a gate, that goes through the activation. */
    GATE(Axis.CHANNEL_ROWS), //
    GATE_BIAS(Axis.CHANNEL_ROWS), //
    UP(Axis.CHANNEL_ROWS), //
    UP_BIAS(Axis.CHANNEL_ROWS), //
    /** What xIELU has learned for numbers above zero. */
    ACTIVATION_POSITIVE(Axis.BY_RATIO), //
    /** What xIELU has learned for numbers below zero. */
    ACTIVATION_NEGATIVE(Axis.BY_RATIO), //
    /** The slope of xIELU at zero, which is never trained. */
    ACTIVATION_SLOPE(Axis.BY_RATIO), //
    /** The number near zero beyond which xIELU does not bend, which is never trained. */
    ACTIVATION_BOUND(Axis.BY_RATIO), //
    /** Of all feed-forward channels, before the down projection. */
    FEED_FORWARD_SUB_NORM(Axis.CHANNEL_ROWS), //
    DOWN(Axis.CHANNEL_COLUMNS), //
    DOWN_BIAS(Axis.BY_RATIO), //
    /** Of what the feed-forward part adds to the residual stream. */
    FEED_FORWARD_OUTPUT_NORM(Axis.AVERAGED);

    /** How a tensor relates to the heads and feed-forward channels of its layer. */
    public enum Axis {
        /** Rows are the channels of the query heads, head after head. */
        QUERY_ROWS,
        /** There is one number for each query head. */
        QUERY_HEADS,
        /** Rows are the channels of the key-value heads, head after head. */
        KEY_VALUE_ROWS,
        /** Columns are the channels of the query heads, head after head. */
        QUERY_COLUMNS,
        /** Rows are feed-forward channels. */
        CHANNEL_ROWS,
        /** Columns are feed-forward channels. */
        CHANNEL_COLUMNS,
        /** Belongs to no head or channel, and counts by how much of the merged layer its source gives. */
        BY_RATIO,
        /** Belongs to no head or channel, and counts the same from every source: a norm of the residual stream. */
        AVERAGED
    }

    private static final String BIAS = "_BIAS";

    private final Axis axis;

    Part(Axis axis) {
        this.axis = axis;
    }

    public Axis axis() {
        return axis;
    }

    /** Whether the tensor is the matrix of a projection. */
    public boolean isMatrix() {
        return !isOfNorm() && !isBias() && !isOfActivation() && this != ATTENTION_SINKS;
    }

    /** Whether the tensor is a number of the activation. */
    boolean isOfActivation() {
        return name().startsWith("ACTIVATION_");
    }

    /** Whether the tensor is computed with in float32, whatever the compute type. */
    boolean isAlwaysFloat32() {
        return isOfNorm() || isOfActivation() || this == ATTENTION_SINKS;
    }

    /** Whether the tensor is trained, or else a constant that is stored. */
    public boolean isLearned() {
        return this != ACTIVATION_SLOPE && this != ACTIVATION_BOUND;
    }

    /** Whether the tensor belongs to the feed-forward half of the layer, and not to attention. */
    public boolean isFeedForward() {
        return compareTo(FEED_FORWARD_NORM) >= 0;
    }

    /** Whether the tensor is the weight or the bias of a norm. */
    public boolean isOfNorm() {
        return name().contains("_NORM");
    }

    /** Whether the tensor is added to what a projection or a norm gives. */
    public boolean isBias() {
        return name().endsWith(BIAS);
    }

    /** The norm before attention or feed-forward whose result this projection reads, in models that norm beforehand. */
    public Optional<Part> normBefore() {
        return switch (this) {
            case QUERY, KEY, VALUE -> Optional.of(ATTENTION_NORM);
            case GATE, UP -> Optional.of(FEED_FORWARD_NORM);
            default -> Optional.empty();
        };
    }

    /** The bias that is added to what this projection or norm gives. */
    public Part bias() {
        return valueOf(name() + BIAS);
    }

    /** The projection or norm that this bias is added to. */
    public Part biased() {
        return valueOf(name().substring(0, name().length() - BIAS.length()));
    }
}
