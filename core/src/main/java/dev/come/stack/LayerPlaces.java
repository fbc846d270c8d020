package dev.come.stack;

import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.WeightedSum;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Where the layers of the dense model are in a stack.
 *
 * @param kept the position of each that is there by itself, by its number
 * @param trained those of them whose weights were changed afterwards
 * @param merged the layer of the stack that each merged one is part of, by its number
 */
public record LayerPlaces(NavigableMap<Integer, Integer> kept, NavigableSet<Integer> trained,
        NavigableMap<Integer, LayerNode> merged) {

    /** Those of a stack. */
    public static LayerPlaces of(LayerStack stack) {
        LayerPlaces places = new LayerPlaces(new TreeMap<>(), new TreeSet<>(), new TreeMap<>());
        for (int position = 0; position < stack.size(); position++) {
            LayerNode node = stack.get(position);
            Optional<Integer> single = single(node);
            if (single.isPresent()) {
                places.kept.put(single.get(), position);
                if (node instanceof Trained) {
                    places.trained.add(single.get());
                }
            } else {
                node.originals().forEach(layer -> places.merged.put(layer, node));
            }
        }
        return places;
    }

    /** The layer that a node is, if it is one of the dense model. */
    private static Optional<Integer> single(LayerNode node) {
        return switch (node) {
            case Original original -> Optional.of(original.index());
            case Trained trained -> single(trained.start());
            case Concatenated _,WeightedSum _ -> Optional.empty();
        };
    }

    /** The number that each layer has now, by the one that it had. */
    public Map<Integer, Integer> numbers() {
        return Map.copyOf(kept);
    }
}
