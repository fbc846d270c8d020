package dev.come.calibration;

import dev.come.stack.LayerStack;
import java.util.List;

/**
 * What pruning methods may ask about a stack of layers on a set of calibration tokens. Where it is computed, on one machine
 * or on many, is not for them to know.
 */
public interface Calibration {
    /** Which tokens a distance is averaged over. */
    enum Tokens {
        /** The last token of each sequence. */
        LAST,
        /** Every token. */
        ALL
    }

    /**
     * What the heads and channels of a layer matter.
     *
     * @param keyValueHeads one score for each key-value head and its query heads: the mean, over their channels, of the
     *        channel's sensitivity at the output projection
     * @param channels the sensitivity of each feed-forward channel: mean |activation| times the L1 norm of its column of the
     *        down projection
     */
    record Sensitivity(List<Double> keyValueHeads, List<Double> channels) {
        public Sensitivity {
            keyValueHeads = List.copyOf(keyValueHeads);
            channels = List.copyOf(channels);
        }
    }

    /** The block influence of every layer: the mean over all tokens of 1 - cos(state before, state after). */
    List<Double> blockInfluence(LayerStack stack);

    /**
     * The angular distance across every window of so many adjacent layers: the mean of arccos(cos(state before the first,
     * state after the last)) / pi. States are those of the residual stream, so the last one is before the final norm.
     *
     * @return one distance for each window, by the position of its first layer; none if the stack has fewer layers
     */
    List<Double> angularDistance(LayerStack stack, int width, Tokens tokens);

    /** The sensitivity of the heads and channels of the layer at a position. */
    Sensitivity sensitivity(LayerStack stack, int position);

    /** The loss of the stack: the mean over sequences of the mean cross-entropy of their tokens, in nats. */
    double loss(LayerStack stack);

    /** Says that the next questions are about this stack; what was measured only for others may be forgotten. */
    void focus(LayerStack stack);
}
