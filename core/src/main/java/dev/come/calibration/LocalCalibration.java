package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.Question.Range;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Calibration on this machine: one shard has all chunks. Questions come from one thread; the work is shared by many. */
public final class LocalCalibration extends ShardedCalibration {
    static final String UNIT = "windows";
    private final Shard shard;
    private final LayerStore store;
    private final TokenChunks chunks;
    private final Compute compute;
    private final Progress progress;
    private final @Nullable RefittedLayers fits;
    private final Map<Products, List<Salience>> products = new HashMap<>();
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
     * Prepares to measure, and to refit layers. Every fifth sequence is for losses alone; of the others every fifth takes no
     * part in the fits, but decides about their penalties. Everything else is measured on all.
     *
     * @param tokens at least three sequences
     * @param refitting does the fits; must find the weights where the store finds them
     */
    public static LocalCalibration refitting(LayerStore store, Sequences tokens, Compute compute, Reading reading,
            long memory, Path spillFolder, Progress progress, Refitting refitting) {
        HeldOut forLosses = HeldOut.of(tokens);
        HeldOut forPenalties = HeldOut.of(forLosses.fitted());
        TokenChunks seen = TokenChunks.of(forPenalties.fitted());
        TokenChunks forFits = seen.followedBy(TokenChunks.of(forPenalties.heldOut()));
        return new LocalCalibration(store, forFits.followedBy(TokenChunks.of(forLosses.heldOut())),
                new RefittedLayers(refitting, seen.size(), forFits), compute, reading, memory, spillFolder, progress);
    }

    private LocalCalibration(LayerStore store, TokenChunks chunks, @Nullable RefittedLayers fits, Compute compute,
            Reading reading, long memory, Path spillFolder, Progress progress) {
        this(new Shard(store, chunks, 0, compute, reading, memory, spillFolder), store, chunks, fits, compute, reading,
                memory, progress);
    }

    private LocalCalibration(Shard shard, LayerStore store, TokenChunks chunks, @Nullable RefittedLayers fits,
            Compute compute,
            Reading reading, long memory, Progress progress) {
        super(new Alone(shard), chunks, fits == null ? 0 : fits.chunks().size(), store.config(), compute, reading,
                memory,
                progress);
        this.shard = shard;
        this.store = store;
        this.chunks = chunks;
        this.compute = compute;
        this.progress = progress;
        this.fits = fits;
        if (fits != null) {
            keep(LayerStack.dense(store.config().layers()));
        }
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
        public <A extends Serializable> A askOne(Question<A> question) {
            return shard.answer(context, question, NO_PROGRESS);
        }

        @Override
        public void close() {
            shard.close();
        }
    }

    @Override
    public void focus(LayerStack stack) {
        if (fits != null) {
            fits.refitting().keepOnly(stack);
        }
        super.focus(stack);
    }

    private List<Trace> path(LayerStack stack) {
        return traced(stack, task -> shard.runner().reporting(task, () -> shard.path(stack)));
    }

    @Override
    public List<Sensitivity> leverage(LayerStack stack, int position, Concatenated merged) {
        List<State> before = before(stack, position).states();
        LayerRunner runner = shard.runner();
        try (Progress.Task task = progress.begin("weighing " + merged.tree(), chunks.size(), UNIT)) {
            return runner.reporting(task,
                    () -> new ParallelSources(runner, chunks, shard.states()).leverage(merged, before));
        }
    }

    @Override
    public Optional<Refit> refitted(LayerStack stack, int position) {
        RefittedLayers with = forRefitting();
        List<Trace> dense = path(LayerStack.dense(store.config().layers()));
        return with.refit(stack, position, before(stack, position), layers -> with.statesOf(dense.get(layers)),
                shard.runner(), shard.states(), progress);
    }

    @Override
    public List<Double> errorsAfterRepair(LayerStack stack, List<Seam> seams) {
        RefittedLayers with = forRefitting();
        List<List<State>> boundaries = path(stack).stream().map(with::statesOf).toList();
        try (Progress.Task task = progress.begin("predicting repairs of " + stack.size() + " layers",
                seamErrors.runs(stack, seams) * with.chunks().size(), UNIT)) {
            return shard.runner().reporting(task,
                    () -> seamErrors.of(stack, seams, boundaries, with, shard.runner(), shard.states()));
        }
    }

    @Override
    public List<Double> divergences(List<LayerStack> stacks) {
        List<State> dense = path(LayerStack.dense(store.config().layers())).getLast().states();
        Range measured = new Range(fits == null ? 0 : fits.chunks().size(), chunks.size());
        Divergences divergences = new Divergences(shard, chunks, measured, dense);
        try (Progress.Task task = progress.begin("divergence of " + stacks.size() + " stacks", divergences.runs(stacks),
                "stacks", stacks.size())) {
            return shard.runner().reporting(task, () -> divergences.of(stacks));
        }
    }

    @Override
    public Optional<Refit> compensated(LayerStack stack, int position, Together how) {
        return forRefitting().compensate(stack, position, before(stack, position), how, shard.runner(), shard.states(),
                progress);
    }

    /** What is known of the states before a layer. */
    private Trace before(LayerStack stack, int position) {
        return path(new LayerStack(stack.window(0, position))).getLast();
    }

    @Override
    public LayerStack settled(LayerStack stack) {
        return forRefitting().refitting().settled(stack);
    }

    private RefittedLayers forRefitting() {
        if (fits == null) {
            throw new IllegalStateException("nobody said how layers are refitted");
        }
        return fits;
    }

    @Override
    public List<Salience> magnitudes(LayerStack stack) {
        try (Progress.Task task = progress.begin("weights of " + stack.size() + " layers", stack.size(), "layers")) {
            Salience[] magnitudes = new Salience[stack.size()];
            shard.runner().workers().forEach(stack.size(), (position, _) -> {
                LayerWeights weights = store.materialise(stack.get(position));
                store.requireFinite(stack.get(position), weights);
                magnitudes[position] = Saliences.magnitudes(weights);
                task.advance(1);
            });
            return List.of(magnitudes);
        }
    }

    @Override
    public List<Salience> gradientProducts(LayerStack stack, GradientOrder order) {
        Products wanted = new Products(stack, order);
        List<Salience> known = products.get(wanted);
        if (known == null) {
            known = measureProducts(stack, order);
            if (keeps(stack)) {
                products.put(wanted, known);
            }
        }
        return known;
    }

    /** What gradient products were asked for. */
    private record Products(LayerStack stack, GradientOrder order) {}

    private List<Salience> measureProducts(LayerStack stack, GradientOrder order) {
        List<Trace> path = path(stack);
        BackwardPass backward = new BackwardPass(shard.runner(), store, compute, chunks, shard.states());
        try (Progress.Task task = progress.begin("gradients of " + stack.size() + " layers",
                backward.runs(stack.size()), "layers", stack.size())) {
            List<Salience> saliences = shard.runner().reporting(task, () -> backward.products(stack, path, order));
            return order == GradientOrder.NEVER_ZEROED
                    ? saliences.stream().map(Salience::asTheAuthorsFindIt).toList()
                    : saliences;
        }
    }

    /** Bytes of hidden states in memory now. */
    public long bytesInMemory() {
        return shard.bytesInMemory();
    }
}
