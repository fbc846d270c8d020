package dev.come.stack;

import dev.come.NothingToDoException;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The kinds of a model's layers, where they repeat in groups of equal order, such as five that see a window and one that sees
 * everything. Programs that know only how large a group is compute another model where the layers that are left do not repeat it.
 * Besides, the first layers may have to stay where they are.
 *
 * @param kinds the kind of each layer of the dense model, one letter each
 * @param period how many layers a group has; 1 where there is nothing to keep
 * @param fixed how many of the first layers stay where they are, unmerged; 0 where all may go
 */
public record LayerPattern(String kinds, int period, int fixed) {
    /** Nothing to keep: every stack is as good as another. */
    public static final LayerPattern ANY = new LayerPattern("", 1, 0);

    /** The pattern of a model: the smallest group that its kinds repeat at least twice; {@link #ANY} without one. */
    public static LayerPattern of(String kinds) {
        return IntStream.rangeClosed(2, kinds.length() / 2).filter(period -> repeats(kinds, kinds, period))
                .filter(_ -> !repeats(kinds, kinds, 1)).mapToObj(period -> new LayerPattern(kinds, period, 0))
                .findFirst()
                .orElse(ANY);
    }

    /** The same, and the first layers stay. */
    public LayerPattern fixing(int first) {
        return new LayerPattern(kinds, period, first);
    }

    /** Whether there is nothing to keep. */
    public boolean isAny() {
        return period == 1 && fixed == 0;
    }

    /** Whether the first layers of a stack are those that must stay, each in its place; they may have other weights. */
    public boolean keepsTheFirst(LayerStack stack) {
        return stack.size() >= fixed && IntStream.range(0, fixed)
                .allMatch(layer -> stack.get(layer).originals().boxed().toList().equals(List.of(layer)));
    }

    private static boolean repeats(String kinds, String pattern, int period) {
        return IntStream.range(0, kinds.length()).allMatch(i -> kinds.charAt(i) == pattern.charAt(i % period));
    }

    /** Whether the layers of a stack repeat the group from the first layer on; the last group may be cut off. */
    public boolean holds(LayerStack stack) {
        if (!keepsTheFirst(stack)) {
            return false;
        }
        if (period == 1) {
            return true;
        }
        StringBuilder left = new StringBuilder();
        stack.firstOriginals().forEach(layer -> left.append(kinds.charAt(layer)));
        return repeats(left.toString(), kinds, period);
    }

    /** How many layers the next edit takes away: a group, or fewer if fewer are to go. */
    public int width(LayerStack stack, int targetLayers) {
        return Math.min(period, stack.size() - targetLayers);
    }

    /** The positions from which so many adjacent layers may go; at least that of the last ones. */
    public List<Integer> removable(LayerStack stack, int count) {
        return IntStream.rangeClosed(0, stack.size() - count).filter(position -> holds(stack.without(position, count)))
                .boxed().toList();
    }

    /** Whether so many layers from a position on may become one, which attends as the first of them. */
    public boolean allowsMerge(LayerStack stack, int position, int count) {
        return count == 1 || (position >= fixed && holds(stack.without(position + 1, count - 1)));
    }

    /**
     * Checks that merges of so many layers take whole groups away.
     *
     * @throws NothingToDoException if they do not
     */
    public void requireWholeGroups(int mergedLayers) {
        if ((mergedLayers - 1) % period != 0) {
            throw new NothingToDoException("The kinds of layers repeat in groups of " + period + ", and merges of "
                    + mergedLayers
                    + " layers would put those after them out of step; keep_pattern goes with concat_merge"
                    + " and --merge-item " + (period + 1) + ", or with methods that remove layers");
        }
    }

    /** What is not kept, as a sentence for whoever runs the model. */
    public String warning() {
        return "The kinds of its layers no longer repeat in groups of " + period + " (" + kinds.substring(0, period)
                + "). config.json lists them; programs that go by the size of a group, or by a rule of their own,"
                + " compute another model.";
    }
}
