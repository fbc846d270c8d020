package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.calibration.Calibration.Tokens;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.stream.IntStream;

/**
 * Which window of adjacent layers a step of CoMe merges.
 *
 * @param skip {@code --skip-method}
 * @param tokens which tokens the distance of {@link SkipMethod#BI} is averaged over
 * @param withoutRepeat {@code --wo-repeat}: no window that holds a merged layer
 * @param compat the reference takes distances of windows two layers wide whatever the merge
 */
record WindowChoice(SkipMethod skip, Tokens tokens, boolean withoutRepeat, Compat compat) {
    /** A window and the scores it was chosen by. */
    record Chosen(int position, SequencedMap<String, List<Double>> scores) {}

    /** Chooses the least score; the lower position on ties. */
    Chosen choose(LayerStack stack, int width, int targetLayers, Calibration calibration) {
        List<Integer> allowed = IntStream.rangeClosed(0, stack.size() - width)
                .filter(position -> !withoutRepeat
                        || stack.window(position, width).stream().allMatch(node -> node instanceof Original))
                .filter(position -> calibration.pattern().allowsMerge(stack, position, width)).boxed().toList();
        if (allowed.isEmpty()) {
            if (!withoutRepeat) {
                throw new NothingToDoException("No " + width + " adjacent layers of " + stack.tree()
                        + " may be merged without moving layers that stay, so " + stack.size()
                        + " layers are reached and not --target-layers " + targetLayers + "; ask for more");
            }
            throw new NothingToDoException("--wo-repeat: every window of adjacent layers in " + stack.tree()
                    + " holds a merged layer, so " + stack.size() + " layers are reached and not --target-layers "
                    + targetLayers + "; ask for " + stack.size() + " or more, or leave out --wo-repeat");
        }
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        switch (skip) {
            case BI -> {
                List<Double> distances = calibration.angularDistance(stack, compat.isReference() ? 2 : width, tokens);
                scores.put("angular_distance",
                        spread(allowed, allowed.stream().map(distances::get).toList(), stack.size() - width + 1));
            }
            case SLEB -> {
                SearchedLosses losses = calibration
                        .searchLosses(allowed.stream().map(position -> stack.without(position, width)).toList());
                scores.put("loss_without", spread(allowed, losses.losses(), stack.size() - width + 1));
                scores.put("loss_without_at_least", spread(allowed, losses.lowerBounds(), stack.size() - width + 1));
            }
            case MKA -> {
                return new Chosen(allowed.getLast(), scores);
            }
        }
        return new Chosen(Removals.least(scores.firstEntry().getValue()), scores);
    }

    /** Values at their positions; infinite elsewhere. */
    static List<Double> spread(List<Integer> positions, List<Double> values, int size) {
        List<Double> all = new ArrayList<>(Collections.nCopies(size, Double.POSITIVE_INFINITY));
        for (int i = 0; i < values.size(); i++) {
            all.set(positions.get(i), values.get(i));
        }
        return all;
    }
}
