package dev.come.calibration;

import dev.come.model.LayerObserver;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** A layer on its way over the chunks. */
class ForwardPass implements LayerRunner.Pass {
    private final StateStore states;
    private final List<State> before;
    private final boolean last;
    private final State[] after;

    /**
     * A layer that begins with given states.
     *
     * @param states where the states are kept
     * @param before the states before the layer, which may come in while others are run
     * @param last whether nobody needs them afterwards
     */
    ForwardPass(StateStore states, List<State> before, boolean last) {
        this.states = states;
        this.before = before;
        this.last = last;
        this.after = new State[before.size()];
    }

    @Override
    public Tensor before(int chunk) {
        Tensor hidden = states.copy(before.get(chunk));
        if (last) {
            states.free(before.get(chunk));
        }
        return hidden;
    }

    @Override
    public LayerObserver observer(int chunk) {
        return LayerObserver.NONE;
    }

    @Override
    public void after(int chunk, Tensor hidden) {
        after[chunk] = states.put(hidden);
    }

    /** The states after the layer, by chunk; they come in while the layer is run. */
    List<State> after() {
        return Arrays.asList(after);
    }
}
