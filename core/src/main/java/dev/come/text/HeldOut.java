package dev.come.text;

import java.util.ArrayList;
import java.util.List;

/**
 * Sequences in two parts: those that a fit sees, and every fifth, from the second on, which it does not see.
 *
 * @param fitted at least one
 * @param heldOut at least one
 */
public record HeldOut(Sequences fitted, Sequences heldOut) {
    /** One sequence in each group of this size is held out. */
    public static final int EVERY = 5;

    /** Divides sequences; there must be at least two. */
    public static HeldOut of(Sequences all) {
        if (all.count() < 2) {
            throw new IllegalArgumentException("of " + all.count() + " sequences none can be held out");
        }
        List<int[]> fitted = new ArrayList<>();
        List<int[]> heldOut = new ArrayList<>();
        for (int i = 0; i < all.count(); i++) {
            (i % EVERY == 1 ? heldOut : fitted).add(all.sequence(i));
        }
        return new HeldOut(Sequences.of(fitted), Sequences.of(heldOut));
    }
}
