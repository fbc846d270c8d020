package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.Calibration.Refit;
import dev.come.calibration.Calibration.Together;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import java.util.List;
import java.util.Optional;

/**
 * Layers of a stack that are refitted where a calibration has the states before them.
 *
 * @param fittedChunks of the chunks so many are seen by fits
 * @param chunks those that fits see, then those that decide about their penalties; the calibration's first ones
 */
record RefittedLayers(Refitting refitting, int fittedChunks, TokenChunks chunks) {
    /**
     * Refits a layer.
     *
     * @param before the states before it
     * @param target the states that it is to give
     * @param states where all of them are kept
     */
    Optional<Refit> refit(LayerStack stack, int position, Trace before, DenseStates target,
            LayerRunner runner, StateStore states, Progress progress) {
        try (Progress.Task task = progress.begin("refitting " + stack.get(position).tree(),
                (long) refitting.runs() * chunks.size(), LocalCalibration.UNIT, chunks.size())) {
            return runner.reporting(task, () -> refit(stack, position, before, target, runner, states, task));
        }
    }

    /**
     * Refits a concatenated layer to what its sources give.
     *
     * @param before the states before it
     * @param states where all of them are kept
     */
    Optional<Refit> compensate(LayerStack stack, int position, Trace before, Together how, LayerRunner runner,
            StateStore states, Progress progress) {
        if (!(stack.get(position) instanceof Concatenated merged)) {
            throw new IllegalArgumentException("layer " + position + " of " + stack.tree() + " is not concatenated");
        }
        try (Progress.Task task = progress.begin("compensating " + merged.tree(),
                (how.runs(merged) + refitting.runs()) * chunks.size(), LocalCalibration.UNIT, chunks.size())) {
            return runner.reporting(task, () -> {
                try (MergeTarget target = MergeTarget.of(merged, how, runner, chunks, states, statesOf(before))) {
                    return refit(stack, position, before, target, runner, states, task);
                }
            });
        }
    }

    private Optional<Refit> refit(LayerStack stack, int position, Trace before, DenseStates target,
            LayerRunner runner, StateStore states, Progress.Task task) {
        try (SideBySide side = new SideBySide(runner, chunks, fittedChunks, states, statesOf(before), target)) {
            return refitting.refit(stack, position, side, task);
        }
    }

    /** The states of the tokens that are refitted on. */
    List<State> statesOf(Trace trace) {
        return trace.states().subList(0, chunks.size());
    }
}
