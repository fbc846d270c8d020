package dev.come.calibration;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Trace.Span;
import dev.come.failure.Opening;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Calibration on this machine, answered from a trace tree. Questions come from one thread; the work is shared by many. */
public final class LocalCalibration implements Calibration, AutoCloseable {
    static final String UNIT = "windows";
    private final LayerStore store;
    private final Compute compute;
    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final StateStore states;
    private final TraceTree tree;
    private final Reading reading;
    private final TraceStates traced;
    private final StackSearches searches;
    private final FinalStates finalStates;
    private final Progress progress;
    private final @Nullable RefittedLayers fits;
    private final Set<LayerStack> kept = new LinkedHashSet<>();
    private final Map<Products, List<Salience>> products = new HashMap<>();

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
        if (reading.lastStateAfterFinalNorm() && store.config().embeddingSize() != store.config().hiddenSize()) {
            throw new UsageException(
                    "--compat reference compares the last state after everything that follows the layers, which is "
                            + store.config().embeddingSize() + " wide in this model where states between layers are "
                            + store.config().hiddenSize() + "; the authors' code fails here; use --compat none");
        }
        this.store = store;
        this.compute = compute;
        this.reading = reading;
        this.progress = progress;
        this.chunks = chunks;
        this.fits = fits;
        try (Opening opening = new Opening()) {
            this.runner = new LayerRunner(store, compute);
            opening.add(runner::close);
            this.states = new StateStore(memory, spillFolder);
            opening.add(states::close);
            this.tree = new TraceTree(runner, store.config(), chunks, states, reading);
            this.traced = new TraceStates(runner, states, tree, chunks, reading);
            this.searches = new StackSearches(runner, compute, states, tree, chunks,
                    fits == null ? 0 : fits.chunks().size(), memory, progress);
            this.finalStates = new FinalStates(runner, states, searches, chunks, compute.threads(), progress);
            opening.done();
        }
        if (fits != null) {
            keep(LayerStack.dense(store.config().layers()));
        }
    }

    @Override
    public void focus(LayerStack stack) {
        searches.focus(stack);
        if (fits != null) {
            fits.refitting().keepOnly(stack);
        }
        List<LayerStack> stacks = new ArrayList<>(kept);
        stacks.add(stack);
        tree.keepOnly(stacks);
    }

    /** Keeps what is measured on a stack from now on, whatever the focus is. */
    public void keep(LayerStack stack) {
        kept.add(stack);
    }

    private List<Trace> path(LayerStack stack) {
        long missing = tree.missing(stack);
        if (missing == 0) {
            return tree.path(stack);
        }
        try (Progress.Task task = progress.begin("measuring " + stack.size() + " layers", missing * chunks.size(),
                "layers", missing)) {
            return runner.reporting(task, () -> tree.path(stack));
        }
    }

    @Override
    public String whyNotFinite() {
        return runner.whyNotFinite();
    }

    @Override
    public List<Double> blockInfluence(LayerStack stack) {
        List<Trace> path = path(stack);
        List<Double> influence = new ArrayList<>();
        for (Trace trace : path.subList(1, path.size())) {
            influence.add(trace.observation().blockInfluence());
        }
        if (reading.lastStateAfterFinalNorm() && stack.size() > 0) {
            influence.set(stack.size() - 1, traced.influenceAfterFinalNorm(path));
        }
        return influence;
    }

    @Override
    public List<Double> relativeMagnitude(LayerStack stack) {
        return traced.relativeMagnitudes(path(stack));
    }

    @Override
    public List<Double> angularDistance(LayerStack stack, int width, Tokens tokens) {
        List<Trace> path = path(stack);
        List<Double> distances = new ArrayList<>();
        for (int end = width; end < path.size(); end++) {
            Trace before = path.get(end - width);
            Trace after = path.get(end);
            if (end == path.size() - 1 && reading.lastStateAfterFinalNorm()) {
                distances.add(traced.distance(before, after, tokens, true));
            } else {
                distances.add(after.distances().computeIfAbsent(new Span(width, tokens),
                        span -> traced.distance(before, after, tokens, false)));
            }
        }
        return distances;
    }

    @Override
    public Sensitivity sensitivity(LayerStack stack, int position) {
        return path(stack).get(position + 1).observation().sensitivity();
    }

    @Override
    public List<Sensitivity> leverage(LayerStack stack, int position, Concatenated merged) {
        List<State> before = before(stack, position).states();
        try (Progress.Task task = progress.begin("weighing " + merged.tree(), chunks.size(), UNIT)) {
            return runner.reporting(task, () -> new ParallelSources(runner, chunks, states).leverage(merged, before));
        }
    }

    @Override
    public double loss(LayerStack stack) {
        return searchLosses(List.of(stack)).losses().getFirst();
    }

    @Override
    public SearchedLosses searchLosses(List<LayerStack> stacks, int exact) {
        return searches.losses(stacks, exact);
    }

    @Override
    public Optional<Refit> refitted(LayerStack stack, int position) {
        RefittedLayers with = forRefitting();
        List<Trace> dense = path(LayerStack.dense(store.config().layers()));
        return with.refit(stack, position, before(stack, position), layers -> with.statesOf(dense.get(layers)), runner,
                states, progress);
    }

    @Override
    public Optional<Refit> compensated(LayerStack stack, int position, Together how) {
        return forRefitting().compensate(stack, position, before(stack, position), how, runner, states, progress);
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
            runner.workers().forEach(stack.size(), (position, _) -> {
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
            if (kept.contains(stack)) {
                products.put(wanted, known);
            }
        }
        return known;
    }

    /** What gradient products were asked for. */
    private record Products(LayerStack stack, GradientOrder order) {}

    private List<Salience> measureProducts(LayerStack stack, GradientOrder order) {
        List<Trace> path = path(stack);
        BackwardPass backward = new BackwardPass(runner, store, compute, chunks, states);
        try (Progress.Task task = progress.begin("gradients of " + stack.size() + " layers",
                backward.runs(stack.size()), "layers", stack.size())) {
            List<Salience> saliences = runner.reporting(task, () -> backward.products(stack, path, order));
            return order == GradientOrder.NEVER_ZEROED
                    ? saliences.stream().map(Salience::asTheAuthorsFindIt).toList()
                    : saliences;
        }
    }

    @Override
    public List<double[][]> pooledStates(LayerStack stack) {
        return traced.pooled(path(stack));
    }

    @Override
    public double similarity(LayerStack stack, LayerStack reference) {
        return finalStates.similarity(stack, reference);
    }

    /** How many chunks the calibration tokens fall into; a layer is run over one after the other. */
    public int chunks() {
        return chunks.size();
    }

    /** Bytes of hidden states in memory now. */
    public long bytesInMemory() {
        return states.bytesInMemory();
    }

    @Override
    public void close() {
        finalStates.close();
        searches.close();
        tree.close();
        states.close();
        runner.close();
    }
}
