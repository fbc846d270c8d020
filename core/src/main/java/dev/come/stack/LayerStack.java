package dev.come.stack;

import dev.come.stack.LayerNode.Original;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The layers of a pruned model, first to last: an immutable list of recipes. */
public record LayerStack(List<LayerNode> nodes) implements Serializable {
    public LayerStack {
        nodes = List.copyOf(nodes);
    }

    /** The model as it is, with the given number of original layers. */
    public static LayerStack dense(int layers) {
        return new LayerStack(IntStream.range(0, layers).<LayerNode>mapToObj(Original::new).toList());
    }

    public int size() {
        return nodes.size();
    }

    public LayerNode get(int position) {
        return nodes.get(position);
    }

    /** The layers at {@code position} to {@code position + count - 1}. */
    public List<LayerNode> window(int position, int count) {
        return nodes.subList(position, position + count);
    }

    /** How many layers from the first on two stacks have in common. */
    public int commonBeginning(LayerStack other) {
        int common = 0;
        while (common < Math.min(size(), other.size()) && get(common).equals(other.get(common))) {
            common++;
        }
        return common;
    }

    /** This stack with one node in the place of a window of them. */
    public LayerStack replace(int position, int count, LayerNode node) {
        List<LayerNode> changed = new ArrayList<>(nodes.subList(0, position));
        changed.add(node);
        changed.addAll(nodes.subList(position + count, nodes.size()));
        return new LayerStack(changed);
    }

    /** This stack without a window of layers. */
    public LayerStack without(int position, int count) {
        List<LayerNode> kept = new ArrayList<>(nodes.subList(0, position));
        kept.addAll(nodes.subList(position + count, nodes.size()));
        return new LayerStack(kept);
    }

    /** The original layer whose place each layer keeps: its first. */
    public List<Integer> firstOriginals() {
        return nodes.stream().map(node -> node.originals().findFirst().orElseThrow()).toList();
    }

    /** As the paper writes it, for example {@code [0, 1, [2, 3], 4]}. */
    public String tree() {
        StringBuilder text = new StringBuilder();
        LayerNode.appendTrees(nodes, text);
        return text.toString();
    }
}
