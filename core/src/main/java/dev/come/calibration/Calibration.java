package dev.come.calibration;

import dev.come.UsageException;
import dev.come.model.Part;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What pruning methods may ask about a stack of layers, on a set of calibration tokens or of its weights alone. Where it is
 * computed, on one machine or on many, is not for them to know.
 *
 * <p>A measurement may fail to be a number, where states are; {@link CheckedCalibration} refuses such ones before a method
 * sees them.
 *
 * <p>Everything is a function of the stack; {@link #focus} is only about what is worth remembering.
 */
public interface Calibration {
    /** Which layers may be left; a method that asks for anything else is not kept from it. */
    default LayerPattern pattern() {
        return LayerPattern.ANY;
    }

    /** Which tokens a distance is averaged over. */
    enum Tokens {
        /** The last token of each sequence. */
        LAST,
        /** Every token. */
        ALL
    }

    /** How the products of weight and gradient of several sequences come together (Shortened LLaMA leaves it open). */
    enum GradientOrder {
        /** The absolute value of the sum over sequences: Shortened LLaMA's own code. */
        SUM_FIRST,
        /** The sum over sequences of absolute values. */
        ABS_FIRST,
        /**
         * As {@link #ABS_FIRST}, but with gradients that are never zeroed: sequence k is scored with those of the first k.
         * What the authors' code does (--compat reference).
         */
        NEVER_ZEROED
    }

    /** How the sources of a concatenated layer are run for what it shall give. */
    enum Together {
        /** Side by side, all of them on the layer's input. */
        PARALLEL,
        /** One after the other, as in the model that they come from. */
        SEQUENCE;

        /** How many runs of a layer that is. */
        long runs(Concatenated merged) {
            return this == PARALLEL ? 1 : merged.shares().size();
        }
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

    /**
     * What the weights of a layer matter.
     *
     * @param weights by matrix and norm (not biases) one score for each row: the sum over its elements; of a norm each element
     *        is a row
     */
    record Salience(Map<Part, double[]> weights) {
        public Salience {
            weights = Collections.unmodifiableMap(new EnumMap<>(weights));
        }

        /** What the authors' code finds by the names that most families have: without a gate, not the feed-forward part. */
        Salience asTheAuthorsFindIt() {
            Map<Part, double[]> found = new EnumMap<>(weights);
            if (!weights.containsKey(Part.GATE)) {
                found.remove(Part.UP);
                found.remove(Part.DOWN);
            }
            return new Salience(found);
        }
    }

    /**
     * The losses of stacks, where only the least loss matters.
     *
     * @param losses the loss of each; infinite where it was certain early that two others are less
     * @param lowerBounds what the loss of each is at least; the loss itself where that is known
     */
    record SearchedLosses(List<Double> losses, List<Double> lowerBounds) {
        public SearchedLosses {
            losses = List.copyOf(losses);
            lowerBounds = List.copyOf(lowerBounds);
        }
    }

    /**
     * A stack with one layer refitted to the dense model.
     *
     * @param stack the stack with the layer's new weights
     * @param errorBefore the mean over tokens that the fit did not see of |dense - own|^2 / |dense|^2 after the layer, before
     *        it was refitted
     * @param errorAfter the same afterwards
     * @param lambdas the penalty of each projection that was refitted, as a part of the mean square of its inputs
     */
    record Refit(LayerStack stack, double errorBefore, double errorAfter, Map<Part, Double> lambdas) {
        public Refit {
            lambdas = Collections.unmodifiableMap(new EnumMap<>(lambdas));
        }
    }

    /**
     * Adjacent layers that become one.
     *
     * @param position of the first
     * @param others how many come after it, at least 1
     * @param merged the layer that it and the only other are merged to; absent if all others are left out
     */
    record Seam(int position, int others, Optional<Concatenated> merged) {
        /** The position of the layer after them. */
        public int end() {
            return position + 1 + others;
        }
    }

    /** The block influence of every layer: the mean over all tokens of 1 - cos(state before, state after). */
    List<Double> blockInfluence(LayerStack stack);

    /**
     * How far every layer moves the states, as a part of their length: the mean over all tokens of |state after - state before| /
     * |state before|, which is 0 for a state of zeros.
     */
    List<Double> relativeMagnitude(LayerStack stack);

    /**
     * The angular distance across every window of {@code width} adjacent layers. It is the mean of arccos(cos(state
     * before the first, state after the last)) / pi. States are those of the residual stream, so the last one is before
     * the final norm.
     *
     * @return one distance for each window, by the position of its first layer; none if the stack has fewer layers
     */
    List<Double> angularDistance(LayerStack stack, int width, Tokens tokens);

    /** The sensitivity of the heads and channels of the layer at a position. */
    Sensitivity sensitivity(LayerStack stack, int position);

    /**
     * The leverage of the heads and channels of layers that are to be concatenated, all of them side by side on the merged layer's
     * own input. Of a channel it is the diagonal element of {@code C (C + penalty I)^-1}, where C are the second moments of what
     * goes into the down projections, so it is what the others do not tell of it. Of a key-value head it is the sum over the
     * channels of its query heads, with C of the output projections.
     *
     * @param position of the first of the layers in the stack
     * @param merged their concatenation; which of their heads and channels it keeps is of no matter
     * @return by layer
     */
    List<Sensitivity> leverage(LayerStack stack, int position, Concatenated merged);

    /**
     * Folds what was left out of a concatenated layer into what it keeps, in closed form. Its projections to the residual
     * stream are fitted so that each half gives what those of its sources give together on the layer's own input.
     *
     * @param position of the concatenated layer
     * @return nothing if no fit brings the layer nearer to that on tokens that it did not see
     */
    Optional<Refit> compensated(LayerStack stack, int position, Together how);

    /** The loss of the stack: the mean over sequences of the mean cross-entropy of their tokens, in nats. */
    double loss(LayerStack stack);

    /**
     * Looks for the least losses. Losses are never negative, so a stack is given up as soon as a part of its sequences has
     * cost more than all sequences cost so many others; or a part of the vocabulary shows that it will.
     *
     * @param exact how many of the least losses are exact, always; at least 1
     */
    SearchedLosses searchLosses(List<LayerStack> stacks, int exact);

    /** Looks for the least loss: that and the second least are exact, always. */
    default SearchedLosses searchLosses(List<LayerStack> stacks) {
        return searchLosses(stacks, 2);
    }

    /**
     * Refits a layer in closed form. Its projections to the residual stream are fitted so that the state after it
     * approaches the dense model's state where the next layer of the stack begins. Losses are then measured on
     * sequences that neither fits nor penalties have seen.
     *
     * @return nothing if no fit brings the layer nearer to the dense model on tokens that it did not see
     */
    Optional<Refit> refitted(LayerStack stack, int position);

    /**
     * Predicts what a repair in closed form would leave of the error behind an edit, without making it. What all of its layers add to
     * the residual stream is to be given by what the layer that is left writes: by the heads and channels that it keeps, as they are
     * in the stack. A ridge regression on some tokens, spread over the text, tells how much of it is linear in these.
     *
     * @return for each the mean over other tokens of |what is missing|^2 / |state after these layers|^2, with the penalty
     *         that leaves the least
     */
    default List<Double> errorsAfterRepair(LayerStack stack, List<Seam> seams) {
        throw new UsageException("--master: repairs are predicted on one machine only; leave --master out");
    }

    /**
     * How far stacks are from the dense model: the mean over tokens that neither fits nor penalties have seen of KL(dense ||
     * stack), in nats, between the probabilities of the next token.
     */
    default List<Double> divergences(List<LayerStack> stacks) {
        throw new UsageException(
                "--master: probabilities of stacks are compared with those of the dense model on one machine only; leave --master out");
    }

    /**
     * The same layers in the form that a saved model can hold. Each that has to do with refitted ones has weights of
     * its own under the position where it is now.
     */
    LayerStack settled(LayerStack stack);

    /** The sums of the absolute values of the weights of each layer, from the weights alone. */
    List<Salience> magnitudes(LayerStack stack);

    /** The sums of |weight x gradient of the loss| of each layer, in float32. */
    List<Salience> gradientProducts(LayerStack stack, GradientOrder order);

    /**
     * The mean over the tokens of each sequence of the states after each layer, before the final norm.
     *
     * @return by layer an array (sequences, hidden)
     */
    List<double[][]> pooledStates(LayerStack stack);

    /**
     * The similarity of the representations of sequences at the end of two stacks. It is the mean over sequences of the
     * cosine between the states after the final norm, (tokens, hidden) each, taken as one vector.
     */
    double similarity(LayerStack stack, LayerStack reference);

    /** What is wrong where a measurement is no number, for the end of a message. */
    default String whyNotFinite() {
        return "the weights are damaged, or too large to compute with";
    }

    /** Says that the next questions are about this stack or such as begin like it; what was measured only for others may be
     * forgotten. */
    void focus(LayerStack stack);
}
