package dev.come.calibration;

import dev.come.model.LikelyTokens;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Measures what a search asks for: by some tokens of the vocabulary first, if there are any, and then by all. */
final class CandidateLosses implements LossSearch.Measure, AutoCloseable {
    private final LayerRunner runner;
    private final StateStore states;
    private final Candidates candidates;
    private final LossSearch search;
    private final @Nullable LikelyTokens likely;
    private final Map<End, State> ends = new ConcurrentHashMap<>();

    /** The last states of a stack on the chunk that begins with a sequence. */
    private record End(int stack, int sequence) {}

    /**
     * Measures nothing yet.
     *
     * @param search is given what is found
     * @param likely the tokens for bounds, closed with this; null: losses are measured at once
     */
    CandidateLosses(LayerRunner runner, StateStore states, Candidates candidates, LossSearch search,
            @Nullable LikelyTokens likely) {
        this.runner = runner;
        this.states = states;
        this.candidates = candidates;
        this.search = search;
        this.likely = likely;
    }

    @Override
    public void run(TokenChunks group, List<Integer> stacks) {
        candidates.run(group, stacks, (stack, chunk, hidden, workspace) -> {
            if (likely == null) {
                search.add(stack, chunk.first(), runner.losses(chunk, hidden, workspace, candidates.get(stack)));
            } else {
                search.addBounds(stack, chunk.first(),
                        runner.lossBounds(chunk, hidden, likely, workspace, candidates.get(stack)));
                ends.put(new End(stack, chunk.first()), states.put(hidden));
            }
        });
    }

    @Override
    public void finish(TokenChunks group, List<Integer> stacks) {
        runner.workers().forEach(stacks.size() * group.size(), (task, workspace) -> {
            int stack = stacks.get(task / group.size());
            Chunk chunk = group.get(task % group.size());
            State end = Objects.requireNonNull(ends.remove(new End(stack, chunk.first())));
            search.add(stack, chunk.first(),
                    runner.losses(chunk, states.get(end), workspace, candidates.get(stack)));
            states.free(end);
        });
    }

    @Override
    public void close() {
        ends.values().forEach(states::free);
        if (likely != null) {
            likely.close();
        }
    }
}
