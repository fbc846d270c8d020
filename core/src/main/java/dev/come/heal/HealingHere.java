package dev.come.heal;

import dev.come.Progress;
import dev.come.calibration.HealingStates;
import dev.come.calibration.SideBySide;
import dev.come.calibration.StackBesideDense;
import dev.come.model.Compute;
import dev.come.run.StackLosses;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import java.nio.file.Path;
import java.util.List;

/**
 * States on this machine.
 *
 * @param memory bytes of hidden states that are held in memory; beyond it they go to a temporary file
 * @param folder where that file goes
 */
record HealingHere(LayerStore store, Compute compute, long memory, Path folder, Progress progress)
        implements
            HealingStates {
    @Override
    public StackBesideDense beside(HeldOut tokens) {
        return new SideBySide(store, tokens.fitted(), tokens.heldOut(), compute, memory, folder);
    }

    @Override
    public double[] losses(LayerStack stack, HeldOut tokens) {
        try (StackLosses measure = new StackLosses(store, List.of(stack), tokens.heldOut(), compute, memory);
                Progress.Task task = progress.begin("checking the healed layers", measure.runs(), "windows",
                        tokens.heldOut().count())) {
            return measure.measure(task).getFirst();
        }
    }
}
