package dev.come.api;

import dev.come.checkpoint.RecordNames;
import dev.come.prune.PruningStep;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One step on the way from the dense model to the smaller one.
 *
 * @param method the method that took it
 * @param action what became of layers
 * @param position the first of them in the stack of layers before the step, from 0
 * @param count how many they are
 * @param layersLeft layers after the step
 * @param tree the layers after the step, merged ones as nested lists of the original ones
 * @param ratio the share of each layer in a merge that has shares; empty otherwise
 * @param scores what the choice was made by, as in come.json: one list for each kind of score, with a value for each place in
 *     the stack before the step; infinite where a choice was not allowed
 */
public record Step(String method, Action action, int position, int count, int layersLeft, String tree,
        List<Double> ratio, Map<String, List<Double>> scores) {
    /** What becomes of adjacent layers. */
    public enum Action {
        /** They become one. */
        MERGE,
        /** They are left out. */
        REMOVE,
        /** Some of them get other weights. */
        TRAIN
    }

    static Step of(String method, PruningStep step) {
        return new Step(method, Action.valueOf(RecordNames.name(step.action()).toUpperCase(Locale.ROOT)),
                step.position(), step.count(), step.stack().size(), step.stack().tree(), step.ratio(), step.scores());
    }
}
