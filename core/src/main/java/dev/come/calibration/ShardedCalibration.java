package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.LargeQuestion.Beside;
import dev.come.calibration.Question.Activations;
import dev.come.calibration.Question.Angles;
import dev.come.calibration.Question.FinalCosines;
import dev.come.calibration.Question.FinalRuns;
import dev.come.calibration.Question.Influence;
import dev.come.calibration.Question.KeepFinal;
import dev.come.calibration.Question.Movement;
import dev.come.calibration.Question.Pooled;
import dev.come.calibration.Question.Range;
import dev.come.calibration.Question.TraceRuns;
import dev.come.calibration.Question.Traces;
import dev.come.calibration.Shards.Context;
import dev.come.calibration.Side.DenseIsKnown;
import dev.come.calibration.Side.Sources;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Workers;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Adds up what shards measure, in the order of the chunks, so that it does not matter how many shards there are and where they lie.
 * Questions come from one thread.
 */
public abstract class ShardedCalibration implements Calibration, AutoCloseable {
    private final Shards shards;
    private final TokenChunks chunks;
    private final LayerStore store;
    private final ModelConfig config;
    private final Compute compute;
    private final Progress progress;
    private final ShardSearches searches;
    private final @Nullable RefittedLayers fits;
    private final GradientProducts gradients;
    private final Set<LayerStack> kept = new LinkedHashSet<>();
    private Context context;

    /**
     * Asks shards from now on, which are closed with this.
     *
     * @param store makes layers
     * @param chunks all chunks, divided into these shards
     * @param fits which of them layers are refitted on; null if none are
     * @param memory bytes of hidden states that all shards together hold in memory
     * @param progress is told of everything that takes long
     */
    ShardedCalibration(Shards shards, LayerStore store, TokenChunks chunks, @Nullable RefittedLayers fits,
            Compute compute, Reading reading, long memory, Progress progress) {
        this.config = store.config();
        Shard.check(reading, config);
        this.shards = shards;
        this.store = store;
        this.chunks = chunks;
        this.fits = fits;
        this.compute = compute;
        this.progress = progress;
        this.context = Context.of(LayerStack.dense(config.layers()));
        this.gradients = new GradientProducts(shards, store, chunks, compute, progress);
        this.searches = new ShardSearches(shards, chunks, fits == null ? 0 : fits.forFits(), config, compute, memory,
                progress);
        if (fits != null) {
            keep(LayerStack.dense(config.layers()));
        }
    }

    @Override
    public void focus(LayerStack stack) {
        if (fits != null) {
            fits.refitting().keepOnly(stack);
        }
        context = new Context(stack, List.copyOf(kept), 0, null);
        shards.enter(context);
    }

    /** Keeps what is measured on a stack from now on, whatever the focus is. */
    public void keep(LayerStack stack) {
        kept.add(stack);
    }

    /** Asks about the traces of a stack. What of them has to be made is told of as progress. */
    private <A extends Serializable> List<A> traced(LayerStack stack, Question<A> question) {
        return traced(stack, task -> shards.ask(question, all(), task));
    }

    /** Does something that makes the traces of a stack where they are missing. */
    <T> T traced(LayerStack stack, Function<Progress.Task, T> work) {
        long runs = sum(new TraceRuns(stack));
        if (runs == 0) {
            return work.apply(NO_PROGRESS);
        }
        try (Progress.Task task = progress.begin("measuring " + stack.size() + " layers", runs, "layers",
                runs / chunks.size())) {
            return work.apply(task);
        }
    }

    static final String UNIT = "windows";
    static final Progress.Task NO_PROGRESS = _ -> {
    };

    private Range all() {
        return new Range(0, chunks.size());
    }

    private long sum(Question<Long> question) {
        return shards.ask(question, all(), NO_PROGRESS).stream().mapToLong(Long::longValue).sum();
    }

    @Override
    public String whyNotFinite() {
        return compute.whyNotFinite();
    }

    @Override
    public List<Double> blockInfluence(LayerStack stack) {
        return means(traced(stack, new Influence(stack)), chunks.tokens());
    }

    @Override
    public List<Double> relativeMagnitude(LayerStack stack) {
        return means(traced(stack, new Movement(stack)), chunks.tokens());
    }

    @Override
    public List<Double> angularDistance(LayerStack stack, int width, Tokens tokens) {
        return means(traced(stack, new Angles(stack, width, tokens)), switch (tokens) {
            case LAST -> chunks.sequences();
            case ALL -> chunks.tokens();
        });
    }

    /** The sums over all chunks, which shards give as arrays (values, chunks), divided by a count. */
    private static List<Double> means(List<double[][]> shards, long count) {
        List<Double> means = new ArrayList<>();
        for (int value = 0; value < shards.getFirst().length; value++) {
            int at = value;
            means.add(shards.stream().flatMapToDouble(shard -> Arrays.stream(shard[at])).sum() / count);
        }
        return means;
    }

    @Override
    public Sensitivity sensitivity(LayerStack stack, int position) {
        return LayerSums.sensitivity(traced(stack, new Activations(stack, position)), config,
                (double) chunks.tokens());
    }

    @Override
    public double loss(LayerStack stack) {
        return searchLosses(List.of(stack)).losses().getFirst();
    }

    @Override
    public SearchedLosses searchLosses(List<LayerStack> stacks, int exact) {
        return searches.losses(context, stacks, exact);
    }

    @Override
    public List<double[][]> pooledStates(LayerStack stack) {
        List<double[][][]> parts = traced(stack, new Pooled(stack));
        List<double[][]> pooled = new ArrayList<>();
        for (int layer = 0; layer < stack.size(); layer++) {
            int at = layer;
            pooled.add(parts.stream().flatMap(shard -> Stream.of(shard[at])).toArray(double[][]::new));
        }
        return pooled;
    }

    @Override
    public double similarity(LayerStack stack, LayerStack reference) {
        runToTheEnd(reference, new KeepFinal(reference));
        return runToTheEnd(stack, new FinalCosines(stack, reference)).stream().flatMapToDouble(Arrays::stream).average()
                .orElse(Double.NaN);
    }

    private <A extends Serializable> List<A> runToTheEnd(LayerStack stack, Question<A> question) {
        long runs = sum(new FinalRuns(stack));
        if (runs == 0) {
            return shards.ask(question, all(), NO_PROGRESS);
        }
        try (Progress.Task task = progress.begin("final states of " + stack.size() + " layers", runs, "layers",
                runs / chunks.size())) {
            return shards.ask(question, all(), task);
        }
    }

    @Override
    public List<Sensitivity> leverage(LayerStack stack, int position, Concatenated merged) {
        LayerStack before = before(stack, position);
        traced(before, new Traces(before));
        try (Progress.Task task = progress.begin("weighing " + merged.tree(), chunks.size(), UNIT);
                MomentSums sums = shards.sum(new Beside(before, merged), all(), task).sums()) {
            return Leverage.of(sums.moments().get(0), sums.moments().get(1), config);
        }
    }

    private static LayerStack before(LayerStack stack, int position) {
        return new LayerStack(stack.window(0, position));
    }

    @Override
    public Optional<Refit> refitted(LayerStack stack, int position) {
        RefittedLayers with = forRefitting();
        LayerStack dense = LayerStack.dense(config.layers());
        traced(dense, new Traces(dense));
        return refitted(stack, position, with.side(new DenseIsKnown(before(stack, position))), "refitting", 0);
    }

    @Override
    public Optional<Refit> compensated(LayerStack stack, int position, Together how) {
        if (!(stack.get(position) instanceof Concatenated merged)) {
            throw new IllegalArgumentException("layer " + position + " of " + stack.tree() + " is not concatenated");
        }
        return refitted(stack, position, forRefitting().side(new Sources(before(stack, position), merged, how)),
                "compensating", how.runs(merged));
    }

    /** @param more how often a layer is run besides */
    private Optional<Refit> refitted(LayerStack stack, int position, Side side, String what, long more) {
        LayerStack before = before(stack, position);
        traced(before, new Traces(before));
        Refitting refitting = forRefitting().refitting();
        try (Progress.Task task = progress.begin(what + " " + stack.get(position).tree(),
                (more + refitting.runs()) * side.chunks(), UNIT, side.chunks());
                StackBesideDense both = beside(side, context, position, task)) {
            return both.reporting(task, () -> refitting.refit(stack, position, both, task));
        }
    }

    /**
     * A layer of a stack beside what it is fitted to.
     *
     * @param position of the layer
     * @param task is told of what has to be run for that
     */
    abstract StackBesideDense beside(Side side, Context about, int position, Progress.Task task);

    @Override
    public LayerStack settled(LayerStack stack) {
        return forRefitting().refitting().settled(stack);
    }

    RefittedLayers forRefitting() {
        if (fits == null) {
            throw new IllegalStateException("nobody said how layers are refitted");
        }
        return fits;
    }

    @Override
    public List<Salience> magnitudes(LayerStack stack) {
        try (Progress.Task task = progress.begin("weights of " + stack.size() + " layers", stack.size(), "layers")) {
            Salience[] magnitudes = new Salience[stack.size()];
            workers().forEach(stack.size(), (position, _) -> {
                LayerWeights weights = store.materialise(stack.get(position));
                store.requireFinite(stack.get(position), weights);
                magnitudes[position] = Saliences.magnitudes(weights);
                task.advance(1);
            });
            return List.of(magnitudes);
        }
    }

    /** The threads that share what is done here. */
    abstract Workers workers();

    @Override
    public List<Salience> gradientProducts(LayerStack stack, GradientOrder order) {
        return gradients.of(stack, order, kept.contains(stack));
    }

    /** How many chunks the calibration tokens fall into; a layer is run over one after the other. */
    public int chunks() {
        return chunks.size();
    }

    @Override
    public void close() {
        shards.close();
    }
}
