package dev.come.prune;

import dev.come.stack.LayerNode.MergeNorms;
import org.jspecify.annotations.Nullable;

/**
 * Keeps options that came later out of the record of a run where they are as in the paper, since records without them mean
 * that. So records of earlier versions are equal to those of the same runs now.
 */
final class AsInThePaper {
    /** How Jackson asks whether a value is to be left out. */
    @Override
    public boolean equals(@Nullable Object value) {
        return value == MergeNorms.MEAN || value == ChannelScore.L1 || value == Compensate.NONE
                || value == ShortGpt.LayerScore.BI;
    }

    @Override
    public int hashCode() {
        return 0;
    }
}
