package dev.come.distill;

import dev.come.UsageException;
import java.io.Serializable;

/**
 * The learning rate of every step: it rises evenly to its peak, and then falls or stays.
 *
 * @param shape what comes after the warm-up
 * @param peak the highest rate
 * @param warmUp the share of the steps in which the rate rises
 */
public record Schedule(Shape shape, double peak, double warmUp) implements Serializable {
    /** What becomes of the rate after the warm-up. */
    public enum Shape {
        /** Falls to zero along half a cosine. */
        COSINE,
        /** Stays. */
        CONSTANT
    }

    /** What a product may be too large by: 0.07 of 100 steps are 7, although in doubles it is a little more. */
    private static final double ROUNDING = 1e-9;

    public Schedule {
        if (!(peak > 0) || !Double.isFinite(peak)) {
            throw new UsageException("The learning rate is " + peak + ", but must be more than 0");
        }
        if (!(warmUp >= 0 && warmUp < 1)) {
            throw new UsageException("--warmup is " + warmUp + ", but must be a share of the steps from 0 to below 1");
        }
    }

    /** The rate of a step, counted from 0. */
    double at(int step, int steps) {
        int rising = (int) Math.ceil(warmUp * steps - ROUNDING);
        if (step < rising) {
            return peak * (step + 1) / (rising + 1);
        }
        return switch (shape) {
            case CONSTANT -> peak;
            // StrictMath, so that a resumed run on another machine has the same rates.
            case COSINE -> peak * 0.5 * (1 + StrictMath.cos(StrictMath.PI * (step - rising) / (steps - rising)));
        };
    }
}
