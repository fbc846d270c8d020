package dev.come.calibration;

import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * States in the middle of stacks that were searched. A search that leaves out one layer after the other is repeated on what the
 * step before has left; above a layer left out, states are the same as before up to where that step changed something. So
 * the next search begins there. They lie in the file of the states: each is read once or not at all. Safe for use by several
 * threads.
 */
final class SearchedStates implements AutoCloseable {
    private final TraceTree tree;
    private final StateStore states;
    private final int chunks;
    private final Map<LayerStack, @Nullable State[]> known = new HashMap<>();
    private int spacing = 1;

    /** @param tree what is known from traces; they are looked at first, and need no second copy */
    SearchedStates(TraceTree tree, StateStore states, int chunks) {
        this.tree = tree;
        this.states = states;
        this.chunks = chunks;
    }

    /** Keeps only states above a multiple of this number of layers from now on. */
    void space(int layers) {
        spacing = layers;
    }

    /** Keeps a copy of the states of a chunk after the first layers of a stack, if they may be asked for again. */
    void offer(LayerStack first, LayerStack focus, int chunk, Tensor hidden) {
        if (first.size() % spacing != 0 || !mayBegin(first, focus)) {
            return;
        }
        @Nullable
        State[] here;
        synchronized (this) {
            here = known.computeIfAbsent(first, _ -> new State[chunks]);
        }
        if (here[chunk] == null) {
            here[chunk] = states.putInFile(hidden);
        }
    }

    /** After how many layers of a stack the states of some chunks are known; 0: only the embeddings are. */
    synchronized int longest(LayerStack stack, int firstChunk, int count) {
        int traced = stack.size() - Math.toIntExact(tree.missing(stack));
        for (int size = stack.size(); size > traced; size--) {
            @Nullable
            State[] found = known.get(new LayerStack(stack.window(0, size)));
            if (found != null && Arrays.stream(found, firstChunk, firstChunk + count).allMatch(Objects::nonNull)) {
                return size;
            }
        }
        return traced;
    }

    /** The states of a chunk after these layers, of the current PointerScope; they may be changed. */
    Tensor copy(LayerStack first, int chunk) {
        if (tree.missing(first) == 0) {
            return states.copy(tree.path(first).getLast().states().get(chunk));
        }
        @Nullable
        State[] found;
        synchronized (this) {
            found = Objects.requireNonNull(known.get(first));
        }
        return states.copy(Objects.requireNonNull(found[chunk]));
    }

    /** Forgets what neither this stack begins with nor any that is this one without some layers. */
    synchronized void keepOnly(LayerStack focus) {
        known.entrySet().removeIf(entry -> {
            boolean useless = !mayBegin(entry.getKey(), focus);
            if (useless) {
                free(entry.getValue());
            }
            return useless;
        });
    }

    /** Whether these are the first layers of a stack, or would be without some that follow each other. */
    static boolean mayBegin(LayerStack first, LayerStack stack) {
        int common = first.commonBeginning(stack);
        if (common == first.size()) {
            return true;
        }
        List<LayerNode> rest = first.nodes().subList(common, first.size());
        int at = stack.nodes().indexOf(rest.getFirst());
        return at > common && at + rest.size() <= stack.size() && stack.window(at, rest.size()).equals(rest);
    }

    private void free(@Nullable State[] some) {
        Arrays.stream(some).filter(Objects::nonNull).forEach(states::free);
    }

    @Override
    public synchronized void close() {
        known.values().forEach(this::free);
        known.clear();
    }
}
