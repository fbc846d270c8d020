package dev.come.heal;

import dev.come.Progress;
import dev.come.calibration.HealingStates;
import dev.come.calibration.SideBySide;
import dev.come.calibration.StackBesideDense;
import dev.come.calibration.TokenWeights;
import dev.come.model.Compute;
import dev.come.run.StackLosses;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

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
    public StackBesideDense beside(HeldOut tokens, Function<TokenChunks, TokenWeights> weights, boolean keepsReads) {
        return new SideBySide(store, tokens.fitted(), tokens.heldOut(), compute, memory, folder, weights, keepsReads);
    }

    @Override
    public double[] losses(LayerStack stack, HeldOut tokens) {
        try (StackLosses measure = new StackLosses(store, List.of(stack), tokens.heldOut(), compute, memory);
                Progress.Task task = progress.begin("checking the healed layers", measure.runs(), "windows",
                        tokens.heldOut().count())) {
            return measure.measure(task).getFirst();
        }
    }

    @Override
    public List<double[]> denseLosses(HeldOut tokens) {
        return Stream.of(tokens.fitted(), tokens.heldOut()).flatMap(some -> Arrays.stream(denseLosses(some))).toList();
    }

    private double[][] denseLosses(Sequences sequences) {
        double[][] losses = new double[sequences.count()][];
        try (StackLosses measure = new StackLosses(store, List.of(LayerStack.dense(store.config().layers())), sequences,
                compute, memory);
                Progress.Task task = progress.begin("losses of the dense model", measure.runs(), "windows",
                        sequences.count())) {
            measure.measure(StackLosses.ALL, (_, sequence, ofTokens) -> losses[sequence] = ofTokens, task);
        }
        return losses;
    }
}
