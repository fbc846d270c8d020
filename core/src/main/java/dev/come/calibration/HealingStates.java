package dev.come.calibration;

import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.text.HeldOut;
import java.util.List;
import java.util.function.Function;

/** Where the states are that a healing looks at. */
public interface HealingStates {
    /**
     * Begins before the first layer.
     *
     * @param weights how much each token counts, for the chunks that the tokens fall into
     * @param keepsReads whether {@link StackBesideDense#reads} is asked
     * @return closed by the caller, before anything else is asked
     */
    StackBesideDense beside(HeldOut tokens, Function<TokenChunks, TokenWeights> weights, boolean keepsReads);

    /** The loss of a stack on each sequence that fits do not see, in nats. */
    double[] losses(LayerStack stack, HeldOut tokens);

    /** For each sequence the dense model's losses on its second to last token, in nats; those that fits see come first. */
    List<double[]> denseLosses(HeldOut tokens);
}
