package dev.come.calibration;

import dev.come.FailedException;
import dev.come.Opening;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Trace.Span;
import dev.come.model.Compute;
import dev.come.model.LikelyTokens;
import dev.come.model.Tensors;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleUnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** Calibration on this machine, answered from a trace tree. Questions come from one thread; the work is shared by many. */
public final class LocalCalibration implements Calibration, AutoCloseable {
    private static final String UNIT = "windows";
    /**
     * Where stacks change another in so many places, a part of the vocabulary, one in so many tokens, shows most to be hopeless.
     * Different changes in one place lie nearer together than such bounds do.
     */
    private static final int MANY = 6;
    private static final int LIKELY = 5;
    /** The states that tell which tokens these are. */
    private static final int SAMPLE = 256;

    private final LayerStore store;
    private final Compute compute;
    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final Choice choice;
    private final StateStore states;
    private final TraceTree tree;
    private final Reading reading;
    private final long memory;
    private final Progress progress;
    private final @Nullable Fits fits;
    private final SearchedStates known;
    private final Set<LayerStack> kept = new LinkedHashSet<>();
    private final Map<LayerStack, List<State>> finalStates = new HashMap<>();
    private final Map<Products, List<Salience>> products = new HashMap<>();
    private LayerStack focus;

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
                new Fits(refitting, seen.size(), forFits), compute, reading, memory, spillFolder, progress);
    }

    /**
     * What is there for refitting layers.
     *
     * @param fittedChunks of the chunks so many are seen by fits
     * @param chunks those that fits see, then those that decide about their penalties
     */
    private record Fits(Refitting refitting, int fittedChunks, TokenChunks chunks) {}

    /**
     * What losses are measured on.
     *
     * @param first the number of its first chunk among all
     */
    private record Choice(TokenChunks chunks, int first) {}

    private LocalCalibration(LayerStore store, TokenChunks chunks, @Nullable Fits fits, Compute compute,
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
        this.memory = memory;
        this.progress = progress;
        this.focus = LayerStack.dense(store.config().layers());
        this.chunks = chunks;
        this.fits = fits;
        int first = fits == null ? 0 : fits.chunks.size();
        this.choice = new Choice(chunks.from(first), first);
        try (Opening opening = new Opening()) {
            this.runner = new LayerRunner(store, compute);
            opening.add(runner::close);
            this.states = new StateStore(memory, spillFolder);
            opening.add(states::close);
            this.tree = new TraceTree(runner, store.config(), chunks, states, reading);
            this.known = new SearchedStates(tree, states, chunks.size());
            opening.done();
        }
        if (fits != null) {
            keep(LayerStack.dense(store.config().layers()));
        }
    }

    @Override
    public void focus(LayerStack stack) {
        focus = stack;
        known.keepOnly(stack);
        if (fits != null) {
            fits.refitting.keepOnly(stack);
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
                UNIT)) {
            return runner.reporting(task, () -> tree.path(stack));
        }
    }

    @Override
    public List<Double> blockInfluence(LayerStack stack) {
        List<Trace> path = path(stack);
        List<Double> influence = new ArrayList<>();
        for (Trace trace : path.subList(1, path.size())) {
            influence.add(trace.observation().blockInfluence());
        }
        if (reading.lastStateAfterFinalNorm() && stack.size() > 0) {
            influence.set(stack.size() - 1, influenceAfterFinalNorm(path));
        }
        return influence;
    }

    private double influenceAfterFinalNorm(List<Trace> path) {
        double[] sums = new double[chunks.size()];
        runner.workers().forEach(chunks.size(), (chunk, workspace) -> {
            Tensor before = states.get(path.get(path.size() - 2).states().get(chunk));
            Tensor last = states.get(path.getLast().states().get(chunk));
            sums[chunk] = tree.influence(before, runner.head().finalStates(last, workspace));
        });
        return Arrays.stream(sums).sum() / chunks.tokens();
    }

    @Override
    public List<Double> angularDistance(LayerStack stack, int width, Tokens tokens) {
        List<Trace> path = path(stack);
        List<Double> distances = new ArrayList<>();
        for (int end = width; end < path.size(); end++) {
            Trace before = path.get(end - width);
            Trace after = path.get(end);
            if (end == path.size() - 1 && reading.lastStateAfterFinalNorm()) {
                distances.add(distance(before, after, tokens, true));
            } else {
                distances.add(after.distances().computeIfAbsent(new Span(width, tokens),
                        span -> distance(before, after, tokens, false)));
            }
        }
        return distances;
    }

    private double distance(Trace before, Trace after, Tokens tokens, boolean afterFinalNorm) {
        double[] sums = new double[chunks.size()];
        int[] counts = new int[chunks.size()];
        runner.workers().forEach(chunks.size(), (chunk, workspace) -> {
            Tensor first = choose(before.states().get(chunk), chunks.get(chunk), tokens);
            Tensor last = choose(after.states().get(chunk), chunks.get(chunk), tokens);
            double[] cosines = Cosines.between(first,
                    afterFinalNorm ? runner.head().finalStates(last, workspace) : last);
            DoubleUnaryOperator angle = cosine -> Math.acos(Math.clamp(reading.cosine(cosine), -1, 1)) / Math.PI;
            sums[chunk] = Arrays.stream(cosines).map(angle).sum();
            counts[chunk] = cosines.length;
        });
        return Arrays.stream(sums).sum() / Arrays.stream(counts).sum();
    }

    private Tensor choose(State state, Chunk chunk, Tokens tokens) {
        return switch (tokens) {
            case LAST -> states.rows(state, chunk.lastTokens());
            case ALL -> states.get(state);
        };
    }

    @Override
    public Sensitivity sensitivity(LayerStack stack, int position) {
        return path(stack).get(position + 1).observation().sensitivity();
    }

    @Override
    public double loss(LayerStack stack) {
        return searchLosses(List.of(stack)).losses().getFirst();
    }

    @Override
    public SearchedLosses searchLosses(List<LayerStack> stacks, int exact) {
        LossSearch search = new LossSearch(stacks.size(), choice.chunks, exact);
        Candidates candidates = candidates(stacks, choice);
        long bytes = candidates.layerRuns() * choice.chunks.tokens() * tokenBytes();
        known.space(Math.clamp(Math.ceilDiv(bytes, Math.max(1, states.room())), 1, Integer.MAX_VALUE));
        List<TokenChunks> groups = groups(stacks.size(), choice.chunks, Math.ceilDiv(compute.threads(), stacks.size()));
        boolean byBounds = stacks.stream().map(focus::commonBeginning).distinct().count() >= MANY && !groups.isEmpty();
        long total = (candidates.layerRuns() + runner.headRuns() * stacks.size()) * choice.chunks.size();
        try (Progress.Task task = progress.begin("loss of " + stacks.size() + " stacks", total, UNIT);
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

    private Candidates candidates(List<LayerStack> stacks, Choice on) {
        return new Candidates(runner, known, focus, stacks, on.chunks, on.first);
    }

    /** Chunks of which the states of so many stacks may be held in half of the memory. */
    private List<TokenChunks> groups(int stacks, TokenChunks of, int least) {
        return of.groups(memory / 2 / tokenBytes() / (stacks + 1), least);
    }

    private long tokenBytes() {
        return (long) store.config().hiddenSize() * compute.type().bytes();
    }

    /** The tokens that the stack in focus expects most, by some of its last states. */
    private LikelyTokens likelyTokens(TokenChunks sample) {
        int every = Math.toIntExact(Math.ceilDiv(sample.tokens(), SAMPLE));
        int count = Math.ceilDiv(store.config().vocabularySize(), LIKELY);
        @Nullable
        State[] rows = new State[sample.size()];
        LikelyTokens[] likely = new LikelyTokens[1];
        try {
            candidates(List.of(focus), choice).run(sample, List.of(0), (_, chunk, hidden, _) -> {
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
    public Optional<Refit> refitted(LayerStack stack, int position) {
        Fits with = forRefitting();
        List<Trace> dense = path(LayerStack.dense(store.config().layers()));
        List<State> own = statesForFits(path(new LayerStack(stack.window(0, position))).getLast());
        try (SideBySide side = new SideBySide(runner, with.chunks, with.fittedChunks, states, own,
                layers -> statesForFits(dense.get(layers)));
                Progress.Task task = progress.begin("refitting " + stack.get(position).tree(),
                        (long) with.refitting.runs() * with.chunks.size(), UNIT)) {
            return runner.reporting(task, () -> with.refitting.refit(stack, position, side, task));
        }
    }

    private List<State> statesForFits(Trace trace) {
        return trace.states().subList(0, forRefitting().chunks.size());
    }

    @Override
    public LayerStack settled(LayerStack stack) {
        return forRefitting().refitting.settled(stack);
    }

    private Fits forRefitting() {
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
                magnitudes[position] = Saliences.magnitudes(store.materialise(stack.get(position)));
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
                backward.runs(stack.size()), UNIT)) {
            List<Salience> saliences = runner.reporting(task, () -> backward.products(stack, path, order));
            return order == GradientOrder.NEVER_ZEROED
                    ? saliences.stream().map(Salience::asTheAuthorsFindIt).toList()
                    : saliences;
        }
    }

    @Override
    public List<double[][]> pooledStates(LayerStack stack) {
        List<Trace> path = path(stack);
        List<double[][]> pooled = new ArrayList<>();
        for (Trace trace : path.subList(1, path.size())) {
            double[][] means = new double[chunks.sequences()][];
            runner.workers().forEach(chunks.size(), (index, _) -> {
                Chunk chunk = chunks.get(index);
                Tensor hidden = states.get(trace.states().get(index));
                chunk.forEachSequence((sequence, start, length) -> means[sequence] = Tensors
                        .doubles(hidden.narrow(0, start, length).to(ScalarType.Double).mean(0)));
            });
            pooled.add(means);
        }
        return pooled;
    }

    @Override
    public double similarity(LayerStack stack, LayerStack reference) {
        List<State> expected = finalStates.get(reference);
        if (expected == null) {
            State[] final_ = new State[chunks.size()];
            runToTheEnd(reference, (chunk, hidden) -> final_[chunk] = states.put(hidden.clone()));
            expected = List.of(final_);
            finalStates.put(reference, expected);
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
    private interface FinalStates {
        void see(int chunk, Tensor hidden);
    }

    private void runToTheEnd(LayerStack stack, FinalStates sees) {
        Candidates candidates = candidates(List.of(stack), new Choice(chunks, 0));
        try (Progress.Task task = progress.begin("final states of " + stack.size() + " layers",
                candidates.layerRuns() * chunks.size(), UNIT)) {
            runner.reporting(task, () -> {
                for (TokenChunks group : groups(1, chunks, compute.threads())) {
                    candidates.run(group, List.of(0), (_, chunk, hidden, workspace) -> sees
                            .see(chunks.chunks().indexOf(chunk), runner.head().finalStates(hidden, workspace)));
                }
                return true;
            });
        }
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
        finalStates.values().forEach(list -> list.forEach(states::free));
        known.close();
        tree.close();
        states.close();
        runner.close();
    }
}
