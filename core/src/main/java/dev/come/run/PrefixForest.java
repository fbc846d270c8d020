package dev.come.run;

import dev.come.model.TokenLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Texts laid out so that a beginning they share is there once. Such a beginning is a context that many choices follow,
 * or the examples in front of many questions. The rest of each text goes on from what it shares.
 */
final class PrefixForest {
    /** Fewer tokens are cheaper to run again than to keep apart. */
    private static final int LEAST_SHARED = 4;

    private final List<Node> nodes = new ArrayList<>();
    private final Node[] ends;
    private final TokenLayout layout;
    private final int[] tokens;

    /** The tokens {@code from} to {@code to} of a text, which those of its parent come before. */
    private static final class Node {
        private final int[] text;
        private final int to;
        private final List<Node> children = new ArrayList<>();
        private @Nullable Node parent;
        private int from;
        private int number;
        private int start;

        Node(int[] text, int from, int to, @Nullable Node parent) {
            this.text = text;
            this.from = from;
            this.to = to;
            this.parent = parent;
        }
    }

    /**
     * Lays texts out.
     *
     * @param texts token ids of each; none is empty
     * @param share whether texts that differ may share their beginning; equal ones always do
     */
    PrefixForest(List<int[]> texts, boolean share) {
        ends = new Node[texts.size()];
        List<Node> roots = new ArrayList<>();
        int[] order = order(texts);
        int[] before = {};
        Node end = null;
        for (int index : order) {
            int[] text = texts.get(index);
            int shared = shared(before, text);
            if (end == null || shared < text.length || shared < before.length) {
                Node parent = share && end != null && shared >= LEAST_SHARED ? split(end, shared, roots) : null;
                end = new Node(text, parent == null ? 0 : shared, text.length, parent);
                (parent == null ? roots : parent.children).add(end);
            }
            ends[index] = end;
            before = text;
        }
        roots.forEach(this::number);
        int[] lengths = nodes.stream().mapToInt(node -> node.to - node.from).toArray();
        int[] parents = nodes.stream()
                .mapToInt(node -> node.parent == null ? TokenLayout.ROOT : node.parent.number).toArray();
        layout = TokenLayout.forest(lengths, parents);
        tokens = nodes.stream().flatMapToInt(node -> Arrays.stream(node.text, node.from, node.to)).toArray();
    }

    /** The numbers of the texts in the order of their tokens, so that those that begin alike are neighbours. */
    static int[] order(List<int[]> texts) {
        return IntStream.range(0, texts.size()).boxed().sorted((a, b) -> Arrays.compare(texts.get(a), texts.get(b)))
                .mapToInt(Integer::intValue).toArray();
    }

    /** How many tokens two texts begin with alike. */
    static int shared(int[] one, int[] other) {
        int mismatch = Arrays.mismatch(one, other);
        return mismatch < 0 ? one.length : mismatch;
    }

    /**
     * The node on the way to an end that has the given number of tokens up to its own end. A node is cut in two if need
     * be.
     */
    private static Node split(Node end, int length, List<Node> roots) {
        Node node = end;
        while (node.from >= length && node.parent != null) {
            node = node.parent;
        }
        if (node.to == length) {
            return node;
        }
        Node upper = new Node(node.text, node.from, length, node.parent);
        List<Node> siblings = node.parent == null ? roots : node.parent.children;
        siblings.set(siblings.indexOf(node), upper);
        upper.children.add(node);
        node.parent = upper;
        node.from = length;
        return upper;
    }

    private void number(Node node) {
        Node last = nodes.isEmpty() ? null : nodes.getLast();
        node.number = nodes.size();
        node.start = last == null ? 0 : last.start + last.to - last.from;
        nodes.add(node);
        node.children.forEach(this::number);
    }

    TokenLayout layout() {
        return layout;
    }

    /** The tokens, node after node. */
    int[] tokens() {
        return tokens;
    }

    /** Where the token at a position of a text lies. */
    int row(int text, int position) {
        Node node = ends[text];
        while (position < node.from && node.parent != null) {
            node = node.parent;
        }
        return node.start + position - node.from;
    }

    /** A text that a row belongs to. */
    int textAt(int row) {
        return IntStream.range(0, ends.length)
                .filter(text -> IntStream.range(0, ends[text].to).anyMatch(position -> row(text, position) == row))
                .findFirst().orElseThrow();
    }
}
