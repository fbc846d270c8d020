package dev.come.calibration;

import dev.come.Progress;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.util.Arrays;
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
    private final int threads;
    private final Progress progress;
    private final Map<LayerStack, List<State>> references = new HashMap<>();

    FinalStates(LayerRunner runner, StateStore states, StackSearches searches, TokenChunks chunks, int threads,
            Progress progress) {
        this.runner = runner;
        this.states = states;
        this.searches = searches;
        this.chunks = chunks;
        this.threads = threads;
        this.progress = progress;
    }

    /** Compares two stacks, as {@link Calibration#similarity} tells; the states of the reference are kept. */
    double similarity(LayerStack stack, LayerStack reference) {
        List<State> expected = references.get(reference);
        if (expected == null) {
            State[] last = new State[chunks.size()];
            runToTheEnd(reference, (chunk, hidden) -> last[chunk] = states.put(hidden.clone()));
            expected = List.of(last);
            references.put(reference, expected);
        }
        List<State> others = expected;
        double[] cosines = new double[chunks.sequences()];
        runToTheEnd(stack, (index, hidden) -> {
            Tensor other = states.get(others.get(index));
            chunks.get(index).forEachSequence((sequence, start, length) -> cosines[sequence] = Cosines
                    .ofWholes(hidden.narrow(0, start, length), other.narrow(0, start, length)));
        });
        return Arrays.stream(cosines).average().orElse(Double.NaN);
    }

    /** Sees the states of a chunk that the output projection would see. */
    private interface Visitor {
        void see(int chunk, Tensor hidden);
    }

    private void runToTheEnd(LayerStack stack, Visitor sees) {
        Candidates candidates = searches.candidates(List.of(stack), chunks, 0);
        try (Progress.Task task = progress.begin("final states of " + stack.size() + " layers",
                candidates.layerRuns() * chunks.size(), "layers", candidates.layerRuns())) {
            runner.reporting(task, () -> {
                for (TokenChunks group : searches.groups(1, chunks, threads)) {
                    candidates.run(group, List.of(0), (_, chunk, hidden, workspace) -> sees
                            .see(chunks.chunks().indexOf(chunk), runner.head().finalStates(hidden, workspace)));
                }
                return true;
            });
        }
    }

    @Override
    public void close() {
        references.values().forEach(list -> list.forEach(states::free));
    }
}
