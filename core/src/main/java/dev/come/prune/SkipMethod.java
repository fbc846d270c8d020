package dev.come.prune;

/** How CoMe tells apart the windows of layers that it may merge ({@code --skip-method}). */
public enum SkipMethod {
    /** By the angular distance across them. */
    BI,
    /** By the loss without them, as SLEB does for one layer. */
    SLEB,
    /** Always the last one, as MKA does. */
    MKA
}
