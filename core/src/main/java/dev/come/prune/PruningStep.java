package dev.come.prune;

import dev.come.stack.LayerStack;
import java.util.List;
import java.util.SequencedMap;

/**
 * One step of a method and everything it was decided by, for the record.
 *
 * @param stack the stack after the step
 * @param position where in the stack before it the layers lie that were merged or removed
 * @param count how many they are
 * @param ratio the share of each in the merge; empty where nothing was merged
 * @param scores what the choice was made by: one list for each kind of score, by position in the stack before the step; an
 *        infinite score says that a choice was forbidden
 */
public record PruningStep(LayerStack stack, int position, int count, List<Double> ratio,
        SequencedMap<String, List<Double>> scores) {
    public PruningStep {
        ratio = List.copyOf(ratio);
    }
}
