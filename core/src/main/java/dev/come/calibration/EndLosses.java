package dev.come.calibration;

import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.util.Arrays;
import java.util.List;

/**
 * The losses of a dense model and of a pruned one on the tokens that fits do not see: the mean over the sequences, in nats.
 *
 * @param dense of the dense model
 * @param own of the pruned one
 */
public record EndLosses(double dense, double own) {
    /**
     * Measures both.
     *
     * @param from the first of the chunks to measure on
     * @param dense the states after the last dense layer, by chunk
     * @param denseStack for messages
     * @param own the states after the last layer of the pruned model, by chunk
     * @param stack for messages
     */
    static EndLosses measured(LayerRunner runner, StateStore states, TokenChunks chunks, int from, List<State> dense,
            LayerStack denseStack, List<State> own, LayerStack stack) {
        return new EndLosses(loss(runner, states, chunks, from, dense, denseStack),
                loss(runner, states, chunks, from, own, stack));
    }

    private static double loss(LayerRunner runner, StateStore states, TokenChunks chunks, int from, List<State> last,
            LayerStack stack) {
        double[][] losses = new double[chunks.size() - from][];
        runner.workers().forEach(losses.length, (index, workspace) -> {
            int chunk = from + index;
            losses[index] = runner.losses(chunks.get(chunk), states.get(last.get(chunk)), workspace, stack);
        });
        return Arrays.stream(losses).flatMapToDouble(Arrays::stream).average().orElseThrow();
    }
}
