package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/** The steps of methods that decide once in which order layers go. */
final class Removals {
    private Removals() {
    }

    /** Positions by ascending score; the lower position first on ties. */
    static List<Integer> ascending(List<Double> scores) {
        return IntStream.range(0, scores.size()).boxed().sorted(Comparator.comparing(scores::get)).toList();
    }

    /** The position of the least score; the lower one on ties. */
    static int least(List<Double> scores) {
        return IntStream.range(0, scores.size()).boxed().min(Comparator.comparing(scores::get)).orElseThrow();
    }

    /**
     * Shortened LLaMA's "+" rule: the first four and the last two layers stay.
     *
     * @param order positions in a stack of so many layers
     */
    static List<Integer> withoutTheFirstFourAndLastTwo(List<Integer> order, int layers) {
        return order.stream().filter(position -> position >= 4 && position < layers - 2).toList();
    }

    /** Fails if the "+" rule does not let a method get to the target. */
    static void requireEnough(int layers, int targetLayers) {
        int removable = Math.max(0, layers - 6);
        if (layers - targetLayers > removable) {
            throw new NothingToDoException("The \"+\" rule (--heuristic) keeps the first four and the last two of "
                    + layers + " layers, so " + (layers - removable) + " are reached and not --target-layers "
                    + targetLayers + "; ask for more layers, or leave out the rule");
        }
    }

    /**
     * One step for each layer that goes, or for each group of adjacent ones where a pattern is kept: that of which the layers come
     * first in the order, by the sum of their places there.
     *
     * @param order the positions in the stack in the order in which they go
     * @param scores by position in the stack; each step records those of the layers that are left
     * @throws NothingToDoException if no group may go
     */
    static List<PruningStep> steps(LayerStack stack, List<Integer> order, int targetLayers,
            SequencedMap<String, List<Double>> scores, LayerPattern pattern) {
        if (pattern.isAny()) {
            return steps(stack, order, targetLayers, scores);
        }
        List<PruningStep> steps = new ArrayList<>();
        List<Integer> left = new ArrayList<>(IntStream.range(0, stack.size()).boxed().toList());
        LayerStack before = stack;
        while (before.size() > targetLayers) {
            int width = pattern.width(before, targetLayers);
            int position = pattern.removable(before, width).stream()
                    .filter(one -> order.containsAll(left.subList(one, one + width)))
                    .min(Comparator.comparingInt(
                            one -> left.subList(one, one + width).stream().mapToInt(order::indexOf).sum()))
                    .orElseThrow(() -> new NothingToDoException("No " + width + " adjacent layers of those that may go"
                            + (pattern.period() == 1
                                    ? " are left, because the first " + pattern.fixed() + " stay; ask for more layers"
                                    : " leave the pattern of layers as it is; ask for more layers, or do not keep the pattern")));
            steps.add(PruningStep.remove(before, position, width, ofThose(left, scores)));
            left.subList(position, position + width).clear();
            before = steps.getLast().stack();
        }
        return steps;
    }

    private static SequencedMap<String, List<Double>> ofThose(List<Integer> left,
            SequencedMap<String, List<Double>> scores) {
        SequencedMap<String, List<Double>> ofThoseLeft = new LinkedHashMap<>();
        scores.forEach((name, values) -> ofThoseLeft.put(name, left.stream().map(values::get).toList()));
        return ofThoseLeft;
    }

    /** One step for each layer that goes. */
    static List<PruningStep> steps(LayerStack stack, List<Integer> order, int targetLayers,
            SequencedMap<String, List<Double>> scores) {
        List<PruningStep> steps = new ArrayList<>();
        List<Integer> left = new ArrayList<>(IntStream.range(0, stack.size()).boxed().toList());
        LayerStack before = stack;
        for (int original : order.subList(0, stack.size() - targetLayers)) {
            int position = left.indexOf(original);
            steps.add(PruningStep.remove(before, position, 1, ofThose(left, scores)));
            left.remove(/* index */ position);
            before = steps.getLast().stack();
        }
        return steps;
    }
}
