package dev.come.prune;

import com.fasterxml.jackson.annotation.JsonFormat;
import dev.come.NothingToDoException;
import dev.come.UsageException;

/**
 * Layers at both ends of a stack that are never removed ({@code --barriers}); in a record an array of the two numbers.
 *
 * @param first how many layers at the beginning
 * @param last how many at the end
 */
@JsonFormat(shape = JsonFormat.Shape.ARRAY)
public record Barriers(int first, int last) {
    /** One layer at each end. */
    public static final Barriers ONE_EACH = new Barriers(1, 1);

    /** Every layer may be removed. */
    public static final Barriers NONE = new Barriers(0, 0);

    /** @throws UsageException if a number is negative */
    public Barriers {
        if (first < 0 || last < 0) {
            throw new UsageException("--barriers is " + first + "," + last + ", but neither may be less than 0");
        }
    }

    /** How many layers are kept. */
    int kept() {
        return first + last;
    }

    /** How many layers of a stack may be removed. */
    int removable(int layers) {
        return Math.max(0, layers - kept());
    }

    /** Fails if removing layers alone does not get to the target. */
    void requireReachable(int targetLayers) {
        if (targetLayers < kept()) {
            throw new NothingToDoException("--barriers " + this + " keeps " + kept() + " layers, so --target-layers "
                    + targetLayers + " is not reached; ask for more layers, or lower the barriers");
        }
    }

    /** As users give them. */
    @Override
    public String toString() {
        return first + "," + last;
    }
}
