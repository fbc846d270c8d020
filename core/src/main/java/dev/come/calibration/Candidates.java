package dev.come.calibration;

import dev.come.calibration.Question.Range;
import dev.come.model.Workspace;
import dev.come.run.LayerRunner;
import dev.come.run.StackRun;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/** Stacks that are run only in the parts that are not known yet. */
final class Candidates {
    private final LayerRunner runner;
    private final SearchedStates known;
    private final LayerStack focus;
    private final List<LayerStack> stacks;
    private final TokenChunks chunks;

    /** What becomes of the states of a stack at its end; called from several threads, for different stacks and chunks. */
    interface Finish {
        void accept(int stack, int chunk, Tensor hidden, Workspace workspace);
    }

    /**
     * Runs nothing yet.
     *
     * @param focus the stack that these are edits of
     * @param chunks what they may be run over
     */
    Candidates(LayerRunner runner, SearchedStates known, LayerStack focus, List<LayerStack> stacks,
            TokenChunks chunks) {
        this.runner = runner;
        this.known = known;
        this.focus = focus;
        this.stacks = stacks;
        this.chunks = chunks;
    }

    LayerStack get(int stack) {
        return stacks.get(stack);
    }

    /** The number of runs of a layer over one chunk that all of them need on some of the chunks. */
    long layerRuns(Range on) {
        return byStart(IntStream.range(0, stacks.size()).boxed().toList(), on).values().stream()
                .mapToLong(together -> StackRun.runs(together.values())).sum();
    }

    /** What is left to run of some of them over some chunks, by the layers after which states are known. */
    private Map<LayerStack, Map<Integer, List<LayerNode>>> byStart(List<Integer> some, Range on) {
        Map<LayerStack, Map<Integer, List<LayerNode>>> byStart = new LinkedHashMap<>();
        for (int i : some) {
            LayerStack stack = stacks.get(i);
            int start = known.longest(stack, on.from(), on.size());
            byStart.computeIfAbsent(beginning(stack, start), _ -> new LinkedHashMap<>()).put(i,
                    stack.nodes().subList(start, stack.size()));
        }
        return byStart;
    }

    private static LayerStack beginning(LayerStack stack, int layers) {
        return new LayerStack(stack.window(0, layers));
    }

    /** Runs some of them over some of the chunks. */
    void run(Range on, List<Integer> some, Finish finish) {
        int first = on.from();
        try (StackRun run = new StackRun(runner, chunks.some(first, on.to()), (stack, left, chunk, hidden) -> {
            LayerStack whole = stacks.get(stack);
            known.offer(beginning(whole, whole.size() - left), focus, first + chunk, hidden);
        })) {
            byStart(some, on).forEach((start, ahead) -> run.add(chunk -> known.copy(start, first + chunk), ahead));
            run.run((stack, chunk, hidden, workspace) -> finish.accept(stack, first + chunk, hidden, workspace));
        }
    }
}
