package dev.come.calibration;

import dev.come.calibration.Question.Range;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** What the output projection would see of stacks, compared with each other. Called from one thread; the work is shared by many. */
final class FinalStates implements AutoCloseable {
    private final LayerRunner runner;
    private final StateStore states;
    private final StackSearches searches;
    private final TokenChunks chunks;
    private final Map<LayerStack, List<State>> kept = new HashMap<>();

    FinalStates(LayerRunner runner, StateStore states, StackSearches searches, TokenChunks chunks) {
        this.runner = runner;
        this.states = states;
        this.searches = searches;
        this.chunks = chunks;
    }

    /** As {@link Question.FinalRuns}. */
    long runs(LayerStack stack) {
        return kept.containsKey(stack)
                ? 0
                : searches.candidates(List.of(stack)).layerRuns(new Range(0, chunks.size())) * chunks.size();
    }

    /** Keeps the last states of a stack. */
    List<State> keep(LayerStack stack) {
        List<State> known = kept.get(stack);
        if (known == null) {
            State[] last = new State[chunks.size()];
            runToTheEnd(stack, (chunk, hidden) -> last[chunk] = states.put(hidden.clone()));
            known = List.of(last);
            kept.put(stack, known);
        }
        return known;
    }

    /** As {@link Question.FinalCosines}; the states of the reference are kept. */
    double[] cosines(LayerStack stack, LayerStack reference) {
        List<State> others = keep(reference);
        double[] cosines = new double[chunks.sequences()];
        int first = chunks.firstSequence();
        runToTheEnd(stack, (index, hidden) -> {
            Tensor other = states.get(others.get(index));
            chunks.get(index).forEachSequence((sequence, start, length) -> cosines[sequence - first] = Cosines
                    .ofWholes(hidden.narrow(0, start, length), other.narrow(0, start, length)));
        });
        return cosines;
    }

    /** Sees the states of a chunk that the output projection would see. */
    private interface Visitor {
        void see(int chunk, Tensor hidden);
    }

    private void runToTheEnd(LayerStack stack, Visitor sees) {
        Candidates candidates = searches.candidates(List.of(stack));
        int from = 0;
        for (TokenChunks group : searches.groups()) {
            candidates.run(new Range(from, from + group.size()), List.of(0), (_, chunk, hidden, workspace) -> sees
                    .see(chunk, runner.head().finalStates(hidden, workspace)));
            from += group.size();
        }
    }

    @Override
    public void close() {
        kept.values().forEach(list -> list.forEach(states::free));
    }
}
