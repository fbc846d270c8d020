package dev.come.prune;

/** By what a concatenated layer's heads and channels are chosen from those of its sources. */
public enum ChannelScore {
    /** Mean |activation| times the L1 norm of the column that it meets, as in the paper. */
    L1,
    /** How much the others do not tell of it, all sources side by side. */
    LEVERAGE
}
