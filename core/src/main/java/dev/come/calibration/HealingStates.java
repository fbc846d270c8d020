package dev.come.calibration;

import dev.come.stack.LayerStack;
import dev.come.text.HeldOut;

/** Where the states are that a healing looks at. */
public interface HealingStates {
    /**
     * Begins before the first layer.
     *
     * @return closed by the caller, before anything else is asked
     */
    StackBesideDense beside(HeldOut tokens);

    /** The loss of a stack on each sequence that fits do not see, in nats. */
    double[] losses(LayerStack stack, HeldOut tokens);
}
