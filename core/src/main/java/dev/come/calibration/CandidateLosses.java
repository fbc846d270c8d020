package dev.come.calibration;

import dev.come.calibration.Question.Losses;
import dev.come.calibration.Question.Range;
import dev.come.model.LikelyTokens;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The losses of the stacks of one search on a shard: by some tokens of the vocabulary first, if there are any, and then by all. */
final class CandidateLosses implements AutoCloseable {
    private final LayerRunner runner;
    private final StateStore states;
    private final Candidates candidates;
    private final TokenChunks chunks;
    private final @Nullable LikelyTokens likely;
    private final Map<End, State> ends = new ConcurrentHashMap<>();

    /** The last states of a stack on a chunk. */
    private record End(int stack, int chunk) {}

    /**
     * Measures nothing yet.
     *
     * @param chunks what the candidates may be run over
     * @param likely the ids of the tokens for bounds; null: losses are measured at once
     */
    CandidateLosses(LayerRunner runner, StateStore states, Candidates candidates, TokenChunks chunks,
            int @Nullable [] likely) {
        this.runner = runner;
        this.states = states;
        this.candidates = candidates;
        this.chunks = chunks;
        this.likely = likely == null ? null : runner.crossEntropy().likely(likely);
    }

    /**
     * Measures what is asked for.
     *
     * @param on the chunks, by their numbers in the shard
     * @return by stack and chunk the losses of the sequences
     */
    double[][][] measure(Losses asked, Range on) {
        Found found = new Found(asked.some(), on);
        if (asked.whole()) {
            finish(found);
        } else {
            run(found);
        }
        return found.losses;
    }

    /** Answers on their way. */
    private static final class Found {
        private final List<Integer> some;
        private final Range on;
        private final double[][][] losses;

        Found(List<Integer> some, Range on) {
            this.some = some;
            this.on = on;
            this.losses = new double[some.size()][on.size()][];
        }

        void set(int stack, int chunk, double[] values) {
            losses[some.indexOf(stack)][chunk - on.from()] = values;
        }
    }

    /** Finds bounds if there is something to bound by, and keeps the states that losses are made of. */
    private void run(Found found) {
        if (likely == null) {
            runWhole(found.some, found.on, found);
            return;
        }
        candidates.run(found.on, found.some, (stack, chunk, hidden, workspace) -> {
            found.set(stack, chunk, runner.lossBounds(chunks.get(chunk), hidden, likely, workspace,
                    candidates.get(stack)));
            State earlier = ends.put(new End(stack, chunk), states.put(hidden));
            if (earlier != null) {
                states.free(earlier);
            }
        });
    }

    private void runWhole(List<Integer> some, Range on, Found found) {
        candidates.run(on, some, (stack, chunk, hidden, workspace) -> found.set(stack, chunk,
                runner.losses(chunks.get(chunk), hidden, workspace, candidates.get(stack))));
    }

    /** Finds losses where the last states are kept, and runs stacks again where they are not: a shard may have been made anew. */
    private void finish(Found found) {
        List<End> kept = new ArrayList<>();
        for (int chunk = found.on.from(); chunk < found.on.to(); chunk++) {
            List<Integer> lost = new ArrayList<>();
            for (int stack : found.some) {
                End end = new End(stack, chunk);
                if (ends.containsKey(end)) {
                    kept.add(end);
                } else {
                    lost.add(stack);
                }
            }
            if (!lost.isEmpty()) {
                runWhole(lost, new Range(chunk, chunk + 1), found);
            }
        }
        runner.workers().forEach(kept.size(), (task, workspace) -> {
            End end = kept.get(task);
            State state = Objects.requireNonNull(ends.remove(end));
            found.set(end.stack, end.chunk,
                    runner.losses(chunks.get(end.chunk), states.get(state), workspace, candidates.get(end.stack)));
            states.free(state);
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
