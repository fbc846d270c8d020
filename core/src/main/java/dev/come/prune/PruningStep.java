package dev.come.prune;

import dev.come.FailedException;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SortedMap;
import java.util.stream.Collectors;

/**
 * One step of a method and everything it was decided by, for the record.
 *
 * @param stack the stack after the step
 * @param action what became of the layers
 * @param position where in the stack before it they lie
 * @param count how many they are
 * @param ratio the share of each in a merge that has shares; empty otherwise
 * @param scores what the choice was made by: one list for each kind of score, by position in the stack before the step
 *        unless its name says otherwise; infinite where a choice was forbidden or not measured, minus infinity for the
 *        logarithm of zero, never NaN
 */
public record PruningStep(LayerStack stack, Action action, int position, int count, List<Double> ratio,
        SequencedMap<String, List<Double>> scores) {
    /** What a step does to adjacent layers. */
    public enum Action {
        /** Makes one of them. */
        MERGE,
        /** Leaves them out. */
        REMOVE,
        /** Gives some of them other weights, from the first to the last that were changed. */
        TRAIN
    }

    /** @throws FailedException if a share is no number */
    public PruningStep {
        ratio = List.copyOf(ratio);
        if (!ratio.stream().allMatch(Double::isFinite)) {
            throw new FailedException(
                    "The " + count + " layers from position " + position + " on would be merged by the"
                            + " shares " + ratio
                            + ", which are not all numbers; what they were made from lies too near to zero,"
                            + " so take other calibration text, or another method");
        }
    }

    /** Merges a window of layers into one. */
    static PruningStep merge(LayerStack before, int position, int count, LayerNode merged, List<Double> ratio,
            SequencedMap<String, List<Double>> scores) {
        return new PruningStep(before.replace(position, count, merged), Action.MERGE, position, count, ratio, scores);
    }

    /** Removes a window of layers. */
    static PruningStep remove(LayerStack before, int position, int count,
            SequencedMap<String, List<Double>> scores) {
        return new PruningStep(before.without(position, count), Action.REMOVE, position, count, List.of(), scores);
    }

    /** The same edit, after which layers were given other weights. */
    PruningStep with(LayerStack refitted) {
        return new PruningStep(refitted, action, position, count, ratio, scores);
    }

    /** Where in the stack after it the layer is that can make up for the step: the merged one, or the one before a gap. */
    int positionToRefit() {
        return action == Action.REMOVE ? Math.max(0, position - 1) : position;
    }

    /**
     * Gives layers of a stack other weights.
     *
     * @param changed the layers by position, at least one
     */
    public static PruningStep train(LayerStack before, SortedMap<Integer, Trained> changed,
            SequencedMap<String, List<Double>> scores) {
        LayerStack stack = before;
        for (Map.Entry<Integer, Trained> layer : changed.entrySet()) {
            stack = stack.replace(layer.getKey(), 1, layer.getValue());
        }
        int first = changed.firstKey();
        return new PruningStep(stack, Action.TRAIN, first, changed.lastKey() + 1 - first, List.of(), scores);
    }

    /** How many layers the stack had before. */
    public int layersBefore() {
        return switch (action) {
            case MERGE -> stack.size() + count - 1;
            case REMOVE -> stack.size() + count;
            case TRAIN -> stack.size();
        };
    }

    /**
     * What was done, in words, for example {@code merged [3, 4], ratio 0.462 : 0.538} or {@code removed 7}.
     *
     * @param before the stack before the step
     */
    public String describe(LayerStack before) {
        return switch (action) {
            case MERGE -> "merged " + stack.get(position).tree() + (ratio.isEmpty() ? "" : ", ratio " + ratioText(3))
                    + refitted(before);
            case REMOVE -> "removed " + before.window(position, count).stream().map(LayerNode::tree)
                    .collect(Collectors.joining(", ")) + refitted(before);
            case TRAIN -> describeTraining(before);
        };
    }

    /** The layers that were refitted to make up for the step; those that only moved have the weights that they had. */
    private String refitted(LayerStack before) {
        Set<String> known = before.nodes().stream().flatMap(LayerNode::trained).map(Trained::sha256)
                .collect(Collectors.toSet());
        List<String> refitted = stack.nodes().stream()
                .filter(node -> node instanceof Trained trained && !known.contains(trained.sha256()))
                .map(LayerNode::tree).toList();
        return refitted.isEmpty() ? "" : ", refitted " + String.join(", ", refitted);
    }

    private String describeTraining(LayerStack before) {
        List<Trained> changed = new ArrayList<>();
        for (int i = position; i < position + count; i++) {
            if (stack.get(i) instanceof Trained trained && !trained.equals(before.get(i))) {
                changed.add(trained);
            }
        }
        String training = changed.isEmpty() ? "trained" : changed.getFirst().training().name().toLowerCase(Locale.ROOT);
        return training + " " + changed.stream().map(LayerNode::tree).collect(Collectors.joining(", "));
    }

    /** The ratio with the given number of decimals, for example {@code 0.462 : 0.538}. */
    public String ratioText(int decimals) {
        return ratio.stream().map(share -> String.format(Locale.ROOT, "%." + decimals + "f", share))
                .collect(Collectors.joining(" : "));
    }
}
