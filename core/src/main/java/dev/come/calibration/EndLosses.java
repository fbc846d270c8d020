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
     * Of what each costs by sequence.
     *
     * @param dense an array (chunks, sequences)
     * @param own the same
     */
    static EndLosses of(double[][] dense, double[][] own) {
        return new EndLosses(mean(dense), mean(own));
    }

    private static double mean(double[][] losses) {
        return Arrays.stream(losses).flatMapToDouble(Arrays::stream).average().orElseThrow();
    }

    /**
     * What states after the last layer cost on the chunks from one on: an array (chunks, sequences).
     *
     * @param last the states, by chunk
     * @param stack for messages
     */
    static double[][] measured(LayerRunner runner, StateStore states, TokenChunks chunks, int from, List<State> last,
            LayerStack stack) {
        double[][] losses = new double[chunks.size() - from][];
        runner.workers().forEach(losses.length, (index, workspace) -> {
            int chunk = from + index;
            losses[index] = runner.losses(chunks.get(chunk), states.get(last.get(chunk)), workspace, stack);
        });
        return losses;
    }
}
