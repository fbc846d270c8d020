package dev.come.calibration;

import dev.come.model.Part;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One layer of the stack, run with certain weights: the states after it, and how far they are from the dense ones. If a
 * projection was asked about, also what the layer is taken up from again with another such projection.
 * {@link SideBySide#moveOn} or {@link SideBySide#discard} ends it.
 */
public final class Trial {
    private final List<State> after;
    private final double[] heldOutSquares;
    private final double heldOutError;
    private final Optional<Part> projection;
    private final List<State> inputs;
    private final List<State> between;
    private @Nullable Moments fitted;
    private @Nullable Moments heldOut;

    /**
     * Makes one.
     *
     * @param heldOutSquares the sums of |dense - own|^2 / |dense|^2 over the tokens that fits do not see, by chunk
     * @param heldOutTotal what their sum is divided by, as {@link TokenWeights#total} tells
     * @param inputs of the projection, by chunk; empty without one
     * @param between the residual stream between the halves, by chunk; empty unless it is the projection of the second
     */
    Trial(List<State> after, double[] heldOutSquares, double heldOutTotal, Optional<Part> projection,
            List<State> inputs,
            List<State> between, @Nullable Moments fitted, @Nullable Moments heldOut) {
        this.after = after;
        this.heldOutSquares = heldOutSquares;
        this.heldOutError = Arrays.stream(heldOutSquares).sum() / heldOutTotal;
        this.projection = projection;
        this.inputs = inputs;
        this.between = between;
        this.fitted = fitted;
        this.heldOut = heldOut;
    }

    /** The sums by chunk that {@link #heldOutError} is the mean of. */
    double[] heldOutSquares() {
        return heldOutSquares;
    }

    /** The mean over the tokens that fits do not see of |dense - own|^2 / |dense|^2. */
    public double heldOutError() {
        return heldOutError;
    }

    /**
     * The moments of the missing part and the inputs of the projection, over the tokens that fits see. They tell how
     * the inputs of the projection that was asked about explain what is missing. Rows are divided by the length of the
     * dense state, and count as much as the layer adds of them to the residual stream. Where the projection has a bias,
     * one more channel, the last, is always 1 before the division.
     */
    public Moments fitted() {
        return asked(fitted);
    }

    /** The same over the tokens that fits do not see. */
    public Moments heldOut() {
        return asked(heldOut);
    }

    private static Moments asked(@Nullable Moments moments) {
        if (moments == null) {
            throw new IllegalStateException("no projection was asked about");
        }
        return moments;
    }

    /** The moments of both, if a projection was asked about; from now on they belong to the caller. */
    MomentSums takeMoments() {
        Moments one = fitted;
        Moments other = heldOut;
        fitted = null;
        heldOut = null;
        return new MomentSums(Stream.of(one, other).filter(Objects::nonNull).toList());
    }

    /** The states after the layer, by chunk. */
    List<State> after() {
        return after;
    }

    /** The projection that was asked about. */
    Optional<Part> projection() {
        return projection;
    }

    /** The inputs of the projection that was asked about, by chunk. */
    List<State> inputs() {
        return inputs;
    }

    /** The residual stream between the halves of the layer, by chunk; empty unless the second half was asked about. */
    List<State> between() {
        return between;
    }

    /** Forgets all but the states after the layer. */
    void closeBesides(StateStore states) {
        inputs.forEach(states::free);
        between.forEach(states::free);
        if (fitted != null) {
            fitted.close();
        }
        if (heldOut != null) {
            heldOut.close();
        }
    }
}
