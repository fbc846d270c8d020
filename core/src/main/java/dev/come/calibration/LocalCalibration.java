package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.LargeQuestion.Answer;
import dev.come.calibration.LargeQuestion.Total;
import dev.come.calibration.Question.Range;
import dev.come.calibration.Shards.Context;
import dev.come.model.Compute;
import dev.come.model.Workers;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Calibration on this machine: one shard has all chunks. Questions come from one thread; the work is shared by many. */
public final class LocalCalibration extends ShardedCalibration {
    private final Shard shard;
    private final TokenChunks chunks;
    private final Progress progress;
    private final SeamErrors seamErrors = new SeamErrors();

    /**
     * Prepares to measure.
     *
     * @param tokens the calibration set; may be empty where only weights are asked about
     * @param memory bytes of hidden states that are held in memory; beyond it they go to a temporary file
     * @param spillFolder where that file goes
     * @param progress is told of everything that takes long
     */
    public LocalCalibration(LayerStore store, Sequences tokens, Compute compute, Reading reading, long memory,
            Path spillFolder, Progress progress) {
        this(store, TokenChunks.of(tokens), null, compute, reading, memory, spillFolder, progress);
    }

    /**
     * Prepares to measure, and to refit layers.
     *
     * @param fits says on which tokens; they must find the weights where the store finds them
     */
    public static LocalCalibration refitting(LayerStore store, RefittedLayers fits, Compute compute, Reading reading,
            long memory, Path spillFolder, Progress progress) {
        return new LocalCalibration(store, fits.chunks(), fits, compute, reading, memory, spillFolder, progress);
    }

    private LocalCalibration(LayerStore store, TokenChunks chunks, @Nullable RefittedLayers fits, Compute compute,
            Reading reading, long memory, Path spillFolder, Progress progress) {
        this(new Shard(store, chunks, 0, compute, reading, memory, spillFolder), store, chunks, fits, compute, reading,
                memory, progress);
    }

    private LocalCalibration(Shard shard, LayerStore store, TokenChunks chunks, @Nullable RefittedLayers fits,
            Compute compute, Reading reading, long memory, Progress progress) {
        super(new Alone(shard), store, chunks, fits, compute, reading, memory, progress);
        this.shard = shard;
        this.chunks = chunks;
        this.progress = progress;
    }

    /** The one shard that there is. */
    private static final class Alone implements Shards {
        private final Shard shard;
        private Context context;

        Alone(Shard shard) {
            this.shard = shard;
            this.context = shard.context();
        }

        @Override
        public int parallel() {
            return 1;
        }

        @Override
        public void enter(Context about) {
            context = about;
            shard.enter(about);
        }

        @Override
        public <A extends Serializable> List<A> ask(Question<A> question, Range chunks, Progress.Task task) {
            return List.of(shard.answer(context, question, task));
        }

        @Override
        public <A extends Serializable, S extends LargeSums> Total<A, S> sum(LargeQuestion<A, S> question,
                Range chunks, Progress.Task task) {
            Answer<A, S> answer = shard.answer(context, question, task);
            return new Total<>(List.of(answer.said()), answer.sums());
        }

        @Override
        public <A extends Serializable> A askOne(Question<A> question) {
            return shard.answer(context, question, NO_PROGRESS);
        }

        @Override
        public void close() {
            shard.close();
        }
    }

    @Override
    StackBesideDense beside(Side side, Context about, int position, Progress.Task task) {
        return shard.runner().reporting(task, () -> shard.sides().alone(side));
    }

    @Override
    public List<Double> errorsAfterRepair(LayerStack stack, List<Seam> seams) {
        RefittedLayers with = forRefitting();
        List<List<State>> boundaries = path(stack).stream().map(trace -> trace.states().subList(0, with.forFits()))
                .toList();
        try (Progress.Task task = progress.begin("predicting repairs of " + stack.size() + " layers",
                seamErrors.runs(stack, seams) * with.forFits(), UNIT)) {
            return shard.runner().reporting(task,
                    () -> seamErrors.of(stack, seams, boundaries, with, shard.runner(), shard.states()));
        }
    }

    @Override
    public List<Double> divergences(List<LayerStack> stacks) {
        List<State> dense = path(LayerStack.dense(shard.runner().store().config().layers())).getLast().states();
        Range measured = new Range(forRefitting().forFits(), chunks.size());
        Divergences divergences = new Divergences(shard, chunks, measured, dense);
        try (Progress.Task task = progress.begin("divergence of " + stacks.size() + " stacks", divergences.runs(stacks),
                "stacks", stacks.size())) {
            return shard.runner().reporting(task, () -> divergences.of(stacks));
        }
    }

    private List<Trace> path(LayerStack stack) {
        return traced(stack, task -> shard.runner().reporting(task, () -> shard.path(stack)));
    }

    @Override
    Workers workers() {
        return shard.runner().workers();
    }

    /** Bytes of hidden states in memory now. */
    public long bytesInMemory() {
        return shard.bytesInMemory();
    }
}
