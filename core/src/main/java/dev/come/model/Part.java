package dev.come.model;

/**
 * What a tensor of a decoder layer means, whatever its family calls it. {@link #axis()} tells along which axis the tensor
 * falls apart into heads or channels; everything that slices or merges layers follows from it.
 *
 * <p>Matrices are stored as in PyTorch: {@code (out, in)}.
 */
public enum Part {
    INPUT_NORM(Axis.NONE), //
    QUERY(Axis.QUERY_ROWS), //
    QUERY_BIAS(Axis.QUERY_ROWS), //
    KEY(Axis.KEY_VALUE_ROWS), //
    KEY_BIAS(Axis.KEY_VALUE_ROWS), //
    VALUE(Axis.KEY_VALUE_ROWS), //
    VALUE_BIAS(Axis.KEY_VALUE_ROWS), //
    OUTPUT(Axis.QUERY_COLUMNS), //
    OUTPUT_BIAS(Axis.SUMMED_OUTPUT), //
    POST_ATTENTION_NORM(Axis.NONE), //
    GATE(Axis.CHANNEL_ROWS), //
    GATE_BIAS(Axis.CHANNEL_ROWS), //
    UP(Axis.CHANNEL_ROWS), //
    UP_BIAS(Axis.CHANNEL_ROWS), //
    DOWN(Axis.CHANNEL_COLUMNS), //
    DOWN_BIAS(Axis.SUMMED_OUTPUT);

    /** How a tensor relates to the heads and feed-forward channels of its layer. */
    public enum Axis {
        /** Rows are the channels of the query heads, head after head. */
        QUERY_ROWS,
        /** Rows are the channels of the key-value heads, head after head. */
        KEY_VALUE_ROWS,
        /** Columns are the channels of the query heads, head after head. */
        QUERY_COLUMNS,
        /** Rows are feed-forward channels. */
        CHANNEL_ROWS,
        /** Columns are feed-forward channels. */
        CHANNEL_COLUMNS,
        /** Lives on the residual stream and is added once per layer: the bias of an output projection. */
        SUMMED_OUTPUT,
        /** Lives on the residual stream and scales it: a norm. */
        NONE
    }

    private final Axis axis;

    Part(Axis axis) {
        this.axis = axis;
    }

    public Axis axis() {
        return axis;
    }

    /** Whether the tensor is the matrix of a projection. */
    public boolean isMatrix() {
        return !isNorm() && !isBias();
    }

    /** Whether the tensor belongs to the feed-forward half of the layer, and not to attention. */
    public boolean isFeedForward() {
        return compareTo(POST_ATTENTION_NORM) >= 0;
    }

    /** Whether the tensor scales the residual stream. */
    public boolean isNorm() {
        return axis == Axis.NONE;
    }

    /** Whether the tensor is added to what a projection gives. */
    public boolean isBias() {
        return name().endsWith("_BIAS");
    }
}
