package dev.come.run;

import dev.come.memory.NativeMemory;
import dev.come.model.LayerObserver;
import dev.come.model.Workspace;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Several stacks run over the same chunks of tokens, a layer at a time. What stacks have in common from where they start is
 * run once, and a layer that many of them need is made into weights once: it then runs over the chunks of all of them, which
 * also keeps many processors busy with few chunks.
 */
public final class StackRun implements AutoCloseable {
    /** By the place of the layers in the original model, so that stacks wait for each other where they can go on together. */
    private static final Comparator<LayerNode> ORDER = Comparator
            .comparingInt((LayerNode node) -> node.originals().min().orElseThrow())
            .thenComparingInt(node -> node.originals().max().orElseThrow());

    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final Watcher watcher;
    private final List<Branch> branches = new ArrayList<>();
    private final List<Branch> finished = new ArrayList<>();

    /** States to start from. */
    public interface Start {
        /** The states of a chunk, of the current PointerScope, to be changed in place. */
        Tensor states(int chunk);
    }

    /** Sees the states of a stack on its way; called from several threads, for different stacks and chunks. */
    public interface Watcher {
        /**
         * Sees the states after a layer. Of stacks that have been the same so far it is told of one.
         *
         * @param left how many layers are left to run
         * @param hidden to be copied, not kept
         */
        void after(int stack, int left, int chunk, Tensor hidden);
    }

    /** What becomes of the states after the last layer; called from several threads, for different stacks and chunks. */
    public interface Finish {
        void accept(int stack, int chunk, Tensor hidden, Workspace workspace);
    }

    /** What is left to run of a stack. */
    private record Path(int stack, List<LayerNode> ahead) {}

    /** Stacks that have the same states so far. The states are those of the start until a layer has changed them. */
    private static final class Branch {
        private final Start start;
        private final List<Path> paths;
        private final ChunkStates hidden;

        private Branch(Start start, List<Path> paths, int chunks) {
            this.start = start;
            this.paths = paths;
            this.hidden = new ChunkStates(chunks);
        }
    }

    /** @param chunks the chunks to run, in the order in which the starts number them */
    public StackRun(LayerRunner runner, TokenChunks chunks) {
        this(runner, chunks, (_, _, _, _) -> {
        });
    }

    public StackRun(LayerRunner runner, TokenChunks chunks, Watcher watcher) {
        this.runner = runner;
        this.chunks = chunks;
        this.watcher = watcher;
    }

    /**
     * Adds stacks that start from the same states.
     *
     * @param ahead by the number of each stack the layers that are left to run
     */
    public void add(Start start, Map<Integer, List<LayerNode>> ahead) {
        List<Path> paths = new ArrayList<>();
        ahead.forEach((stack, nodes) -> paths.add(new Path(stack, nodes)));
        branches.add(new Branch(start, paths, chunks.size()));
    }

    /** How often a layer will be run over one chunk; what the stacks have in common counts once. */
    public static long runs(Collection<List<LayerNode>> ahead) {
        Map<LayerNode, List<List<LayerNode>>> branches = new LinkedHashMap<>();
        for (List<LayerNode> nodes : ahead) {
            if (!nodes.isEmpty()) {
                branches.computeIfAbsent(nodes.getFirst(), _ -> new ArrayList<>()).add(nodes.subList(1, nodes.size()));
            }
        }
        return branches.values().stream().mapToLong(branch -> 1 + runs(branch)).sum();
    }

    /** Runs all stacks to their ends. */
    public void run(Finish finish) {
        setFinishedAside();
        while (!branches.isEmpty()) {
            LayerNode next = branches.stream().flatMap(branch -> branch.paths.stream())
                    .map(path -> path.ahead().getFirst()).min(ORDER).orElseThrow();
            advance(next);
            setFinishedAside();
        }
        List<Path> ends = finished.stream().flatMap(branch -> branch.paths.stream()).toList();
        List<Branch> of = finished.stream().flatMap(branch -> branch.paths.stream().map(_ -> branch)).toList();
        runner.workers().forEach(ends.size() * chunks.size(), (task, workspace) -> {
            int end = task / chunks.size();
            int chunk = task % chunks.size();
            finish.accept(ends.get(end).stack(), chunk, states(of.get(end), chunk), workspace);
        });
    }

    private static Tensor states(Branch branch, int chunk) {
        Tensor own = branch.hidden.borrow(chunk);
        return own == null ? branch.start.states(chunk) : own;
    }

    /** Runs one layer for all branches that need it next; those of their stacks that do not go on from where they are. */
    private void advance(LayerNode node) {
        List<Branch> from = new ArrayList<>();
        List<Branch> to = new ArrayList<>();
        for (Branch branch : branches) {
            List<Path> going = branch.paths.stream().filter(path -> path.ahead().getFirst().equals(node))
                    .map(path -> new Path(path.stack(), path.ahead().subList(1, path.ahead().size()))).toList();
            if (!going.isEmpty()) {
                branch.paths.removeIf(path -> path.ahead().getFirst().equals(node));
                from.add(branch);
                to.add(new Branch(branch.start, new ArrayList<>(going), chunks.size()));
            }
        }
        branches.addAll(to); // so that their states are freed however this ends
        List<Chunk> tasks = new ArrayList<>();
        from.forEach(_ -> tasks.addAll(chunks.chunks()));
        runner.run(node, tasks, _ -> {
        }, new LayerRunner.Pass() {
            @Override
            public Tensor before(int task) {
                Branch branch = from.get(task / chunks.size());
                int chunk = task % chunks.size();
                Tensor own = branch.hidden.borrow(chunk);
                if (own == null) {
                    return branch.start.states(chunk);
                }
                return branch.paths.isEmpty() ? own : own.clone();
            }

            @Override
            public LayerObserver observer(int task) {
                return LayerObserver.NONE;
            }

            @Override
            public void after(int task, Tensor states) {
                Branch branch = from.get(task / chunks.size());
                int chunk = task % chunks.size();
                Branch next = to.get(task / chunks.size());
                Path path = next.paths.getFirst();
                watcher.after(path.stack(), path.ahead().size(), chunk, states);
                if (branch.paths.isEmpty() && branch.hidden.borrow(chunk) != null) {
                    branch.hidden.handOver(chunk, next.hidden); // the layer has worked in place
                } else {
                    next.hidden.keep(chunk, states);
                }
            }
        });
        branches.removeIf(branch -> branch.paths.isEmpty());
    }

    private void setFinishedAside() {
        for (Branch branch : List.copyOf(branches)) {
            List<Path> ended = branch.paths.stream().filter(path -> path.ahead().isEmpty()).toList();
            if (ended.size() == branch.paths.size()) {
                branches.remove(branch);
                finished.add(branch);
            } else if (!ended.isEmpty()) {
                branch.paths.removeAll(ended);
                Branch aside = new Branch(branch.start, ended, chunks.size());
                finished.add(aside);
                for (int chunk = 0; chunk < chunks.size(); chunk++) {
                    Tensor own = branch.hidden.borrow(chunk);
                    if (own != null) {
                        aside.hidden.keep(chunk, own.clone());
                    }
                }
            }
        }
    }

    @Override
    public void close() {
        for (List<Branch> list : List.of(branches, finished)) {
            list.forEach(branch -> branch.hidden.close());
            list.clear();
        }
        NativeMemory.giveBackFreed();
    }

    /** All of the layers of some stacks, by the number of the stack. */
    static Map<Integer, List<LayerNode>> whole(List<LayerStack> stacks) {
        Map<Integer, List<LayerNode>> ahead = new LinkedHashMap<>();
        for (int i = 0; i < stacks.size(); i++) {
            ahead.put(i, stacks.get(i).nodes());
        }
        return ahead;
    }
}
