package dev.come.calibration;

import dev.come.calibration.Question.Losses;
import dev.come.calibration.Question.Range;
import dev.come.model.Compute;
import dev.come.model.Tensors;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What a shard does for searches and for the last states of stacks. Stacks change the one in focus, and are run a layer at a time
 * for all that need it. Called from one thread; the work is shared by many.
 */
final class StackSearches implements AutoCloseable {
    private final LayerRunner runner;
    private final StateStore states;
    private final SearchedStates known;
    private final TokenChunks chunks;
    private final Range range;
    private final long memory;
    private final Compute compute;
    private final long tokenBytes;
    private LayerStack focus;
    private int search;
    private StateStore.@Nullable Reservation room;
    private @Nullable CandidateLosses open;

    /**
     * Begins with the dense model in focus.
     *
     * @param tree the traces of the chunks
     * @param first the number of the first chunk among all
     * @param memory bytes of hidden states that are held in memory, searches and traces together
     */
    StackSearches(LayerRunner runner, Compute compute, StateStore states, TraceTree tree, TokenChunks chunks, int first,
            long memory) {
        this.runner = runner;
        this.states = states;
        this.known = new SearchedStates(tree, states, chunks.size());
        this.chunks = chunks;
        this.range = new Range(first, first + chunks.size());
        this.memory = memory;
        this.compute = compute;
        this.tokenBytes = (long) runner.store().config().hiddenSize() * compute.type().bytes();
        this.focus = LayerStack.dense(runner.store().config().layers());
    }

    /** Has stacks compared with this one from now on. */
    void focus(LayerStack stack) {
        focus = stack;
        known.keepOnly(stack);
    }

    /**
     * Ends the search that is under way, if it is another one.
     *
     * @param number of the search that begins or goes on; 0: none
     * @return whether it is not another one
     */
    boolean enter(int number) {
        if (number == search) {
            return true;
        }
        end();
        search = number;
        if (number != 0) {
            room = states.reserve(memory / 2);
        }
        return false;
    }

    private void end() {
        if (open != null) {
            open.close();
            open = null;
        }
        if (room != null) {
            room.close();
            room = null;
        }
    }

    /** As {@link Question.SearchRuns}. */
    long runs(List<LayerStack> stacks, Range on) {
        Range here = here(on);
        long layerRuns = candidates(stacks).layerRuns(here);
        long bytes = layerRuns * chunks.some(here.from(), here.to()).tokens() * tokenBytes;
        known.space(Math.clamp(Math.ceilDiv(bytes, Math.max(1, states.room())), 1, Integer.MAX_VALUE));
        return (layerRuns + runner.headRuns() * stacks.size()) * here.size();
    }

    /** As {@link Question.Losses}. */
    double[][][] losses(Losses asked) {
        if (open == null) {
            open = new CandidateLosses(runner, states, candidates(asked.stacks()), chunks, asked.likely());
        }
        Range here = here(asked.on());
        double[][][] losses = new double[asked.some().size()][here.size()][];
        int from = here.from();
        for (TokenChunks group : groups(here, asked.some().size())) {
            double[][][] some = open.measure(asked, new Range(from, from + group.size()));
            for (int stack = 0; stack < some.length; stack++) {
                System.arraycopy(some[stack], 0, losses[stack], from - here.from(), group.size());
            }
            from += group.size();
        }
        return losses;
    }

    /** Chunks by their numbers in the shard; those that lie elsewhere are left out. */
    private Range here(Range on) {
        return on.with(range).movedBack(range.from());
    }

    /** Stacks that are to be run, from where they leave the one in focus. */
    Candidates candidates(List<LayerStack> stacks) {
        return new Candidates(runner, known, focus, stacks, chunks);
    }

    /** Chunks that go through together: half of the memory may hold the states of stacks over them. */
    List<TokenChunks> groups() {
        return groups(new Range(0, chunks.size()), 1);
    }

    /** Groups of chunks so small that half of the memory holds the states of this number of stacks. */
    List<TokenChunks> groups(Range here, int stacks) {
        return chunks.some(here.from(), here.to()).groups(memory / 2 / tokenBytes / (stacks + 1),
                Math.ceilDiv(compute.threads(), stacks));
    }

    /** As {@link Question.SampleStates}. */
    float[][] sample(LayerStack stack, Range on, int every) {
        Range here = here(on);
        float[][] sample = new float[here.size()][];
        candidates(List.of(stack)).run(here, List.of(0), (_, chunk, hidden, _) -> {
            Tensor some = torch
                    .arange(new Scalar(0), new Scalar(chunks.get(chunk).tokens().length), new Scalar(every))
                    .to(hidden.device(), ScalarType.Long);
            sample[chunk - here.from()] = Tensors.floats(hidden.index_select(0, some));
        });
        return sample;
    }

    /** As {@link Question.LikeliestTokens}. */
    int[] likeliest(List<float[]> sample, int count) {
        AtomicReference<int[]> ids = new AtomicReference<>();
        runner.workers().forEach(1, (_, workspace) -> {
            long width = runner.store().config().hiddenSize();
            Tensor[] rows = sample.stream().map(values -> torch.tensor(values).view(-1, width)).toArray(Tensor[]::new);
            Tensor hidden = torch.cat(new TensorVector(rows), 0).to(compute.torchDevice(), compute.type().scalarType());
            ids.set(runner.crossEntropy().likelyTokens(hidden, count, workspace));
        });
        return Objects.requireNonNull(ids.get());
    }

    @Override
    public void close() {
        end();
        known.close();
    }
}
