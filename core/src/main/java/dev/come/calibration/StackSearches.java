package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.model.Compute;
import dev.come.model.LikelyTokens;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Losses of stacks that change the one in focus, each a layer at a time for all that need it. Called from one thread; the work
 * is shared by many.
 */
final class StackSearches implements AutoCloseable {
    /**
     * The number of places from which part of the vocabulary shows most stacks to be hopeless. Stacks change another in
     * these places, and the part is one in {@link #LIKELY} tokens. Different changes in one place lie nearer
     * together than such bounds do.
     */
    private static final int MANY = 6;
    private static final int LIKELY = 5;
    /** The states that tell which tokens these are. */
    private static final int SAMPLE = 256;

    private final LayerRunner runner;
    private final StateStore states;
    private final SearchedStates known;
    private final TokenChunks measured;
    private final int first;
    private final long memory;
    private final Progress progress;
    private final int threads;
    private final long tokenBytes;
    private LayerStack focus;

    /**
     * Begins with the dense model in focus.
     *
     * @param tree the traces of all chunks
     * @param chunks all chunks
     * @param first the number of the first chunk that losses are measured on
     * @param memory bytes of hidden states that are held in memory, searches and traces together
     */
    StackSearches(LayerRunner runner, Compute compute, StateStore states, TraceTree tree, TokenChunks chunks, int first,
            long memory, Progress progress) {
        this.runner = runner;
        this.states = states;
        this.known = new SearchedStates(tree, states, chunks.size());
        this.measured = chunks.from(first);
        this.first = first;
        this.memory = memory;
        this.progress = progress;
        this.threads = compute.threads();
        this.tokenBytes = (long) runner.store().config().hiddenSize() * compute.type().bytes();
        this.focus = LayerStack.dense(runner.store().config().layers());
    }

    /** Has stacks compared with this one from now on. */
    void focus(LayerStack stack) {
        focus = stack;
        known.keepOnly(stack);
    }

    /** Measures losses, as {@link Calibration#searchLosses(List, int)} tells. */
    SearchedLosses losses(List<LayerStack> stacks, int exact) {
        LossSearch search = new LossSearch(stacks.size(), measured, exact);
        Candidates candidates = candidates(stacks, measured, first);
        long bytes = candidates.layerRuns() * measured.tokens() * tokenBytes;
        known.space(Math.clamp(Math.ceilDiv(bytes, Math.max(1, states.room())), 1, Integer.MAX_VALUE));
        List<TokenChunks> groups = groups(stacks.size(), measured, Math.ceilDiv(threads, stacks.size()));
        boolean byBounds = stacks.stream().map(focus::commonBeginning).distinct().count() >= MANY && !groups.isEmpty();
        long total = (candidates.layerRuns() + runner.headRuns() * stacks.size()) * measured.size();
        try (Progress.Task task = progress.begin("loss of " + stacks.size() + " stacks", total, "stacks",
                stacks.size());
                StateStore.Reservation _ = states.reserve(memory / 2)) {
            AtomicLong done = new AtomicLong();
            Progress.Task counted = runs -> {
                done.addAndGet(runs);
                task.advance(runs);
            };
            SearchedLosses found;
            try (CandidateLosses losses = new CandidateLosses(runner, states, candidates, search,
                    byBounds ? likelyTokens(groups.getFirst()) : null)) {
                found = runner.reporting(counted, () -> search.run(groups, losses));
            }
            task.skip(Math.max(0, total - done.get())); // of stacks that were given up
            return found;
        }
    }

    /** Stacks that are to be run on some chunks, from where they leave the one in focus. */
    Candidates candidates(List<LayerStack> stacks, TokenChunks on, int firstOfThem) {
        return new Candidates(runner, known, focus, stacks, on, firstOfThem);
    }

    /** Groups of chunks; half of the memory may hold the states of this number of stacks over one group. */
    List<TokenChunks> groups(int stacks, TokenChunks of, int least) {
        return of.groups(memory / 2 / tokenBytes / (stacks + 1), least);
    }

    /** The tokens that the stack in focus expects most, by some of its last states. */
    private LikelyTokens likelyTokens(TokenChunks sample) {
        int every = Math.toIntExact(Math.ceilDiv(sample.tokens(), SAMPLE));
        int count = Math.ceilDiv(runner.store().config().vocabularySize(), LIKELY);
        @Nullable
        State[] rows = new State[sample.size()];
        LikelyTokens[] likely = new LikelyTokens[1];
        try {
            candidates(List.of(focus), measured, first).run(sample, List.of(0), (_, chunk, hidden, _) -> {
                Tensor some = torch.arange(new Scalar(0), new Scalar(chunk.tokens().length), new Scalar(every))
                        .to(hidden.device(), ScalarType.Long);
                rows[sample.chunks().indexOf(chunk)] = states.put(hidden.index_select(0, some));
            });
            runner.workers().forEach(1, (_, workspace) -> likely[0] = runner.crossEntropy().likelyTokens(
                    torch.cat(new TensorVector(Arrays.stream(rows).map(states::get).toArray(Tensor[]::new)), 0),
                    count, workspace));
            return likely[0];
        } finally {
            Arrays.stream(rows).filter(Objects::nonNull).forEach(states::free);
        }
    }

    @Override
    public void close() {
        known.close();
    }
}
