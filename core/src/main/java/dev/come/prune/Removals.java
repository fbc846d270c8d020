package dev.come.prune;

import dev.come.NothingToDoException;
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
     * One step for each layer that goes.
     *
     * @param order the positions in the stack in the order in which they go
     * @param scores by position in the stack; each step records those of the layers that are left
     */
    static List<PruningStep> steps(LayerStack stack, List<Integer> order, int targetLayers,
            SequencedMap<String, List<Double>> scores) {
        List<PruningStep> steps = new ArrayList<>();
        List<Integer> left = new ArrayList<>(IntStream.range(0, stack.size()).boxed().toList());
        LayerStack before = stack;
        for (int original : order.subList(0, stack.size() - targetLayers)) {
            SequencedMap<String, List<Double>> ofThoseLeft = new LinkedHashMap<>();
            scores.forEach((name, values) -> ofThoseLeft.put(name, left.stream().map(values::get).toList()));
            int position = left.indexOf(original);
            steps.add(PruningStep.remove(before, position, 1, ofThoseLeft));
            left.remove(/* index */ position);
            before = steps.getLast().stack();
        }
        return steps;
    }
}
