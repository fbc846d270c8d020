package dev.come.calibration;

import dev.come.Progress;
import dev.come.failure.Opening;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.Workspace;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;

/**
 * A pruned stack beside the dense model it was made from, on the same tokens. Both go forward a layer at a time, and only the
 * states where they are now are held. Called from one thread; the work is shared by many.
 *
 * <p>What the stack is measured by is its state against the dense one, token by token: the square of their distance by the
 * square of the dense state's length. The first tokens of a sequence, whose states are hundreds of times longer than those of
 * others, so count no more than any.
 */
public final class SideBySide implements StackBesideDense {
    private final LayerStore store;
    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final int fittedChunks;
    private final StateStore states;
    /** Whether the runner and the states are closed with this. */
    private final boolean owns;
    private final TrialPass.Against against;
    private final DenseModel dense;
    private final OwnStates own;
    /** Those that nobody has ended. */
    private final Set<Trial> trials = new HashSet<>();

    /**
     * Begins before the first layer.
     *
     * @param fitted the tokens that fits see
     * @param heldOut the tokens that fits do not see
     * @param memory bytes of hidden states that are held in memory; beyond it they go to a temporary file
     * @param spillFolder where that file goes
     */
    public SideBySide(LayerStore store, Sequences fitted, Sequences heldOut, Compute compute, long memory,
            Path spillFolder) {
        this(store, fitted, heldOut, compute, memory, spillFolder, _ -> TokenWeights.NORM, false);
    }

    /**
     * The same with other weights of tokens.
     *
     * @param weights how much each token counts, for the chunks that the tokens fall into
     * @param keepsReads whether {@link #reads} is asked
     */
    public SideBySide(LayerStore store, Sequences fitted, Sequences heldOut, Compute compute, long memory,
            Path spillFolder, Function<TokenChunks, TokenWeights> weights, boolean keepsReads) {
        this.store = store;
        TokenChunks seen = TokenChunks.of(fitted);
        this.fittedChunks = seen.size();
        this.chunks = new TokenChunks(
                Stream.concat(seen.chunks().stream(), TokenChunks.of(heldOut).chunks().stream()).toList());
        try (Opening opening = new Opening()) {
            this.runner = new LayerRunner(store, compute);
            opening.add(runner::close);
            this.states = new StateStore(memory, spillFolder);
            opening.add(states::close);
            this.owns = true;
            List<State> embedded = OwnStates.embedded(runner, chunks, states);
            this.own = new OwnStates(states, embedded);
            this.dense = new DenseModel(states, embedded, Optional.empty(), keepsReads);
            this.against = new TrialPass.Against(chunks, fittedChunks, states, dense::states, Optional.empty(),
                    store.config().multipliers().residual(), weights.apply(chunks));
            opening.done();
        }
    }

    /**
     * Begins before the first layer, with a runner and a place for states that belong to somebody else.
     *
     * @param chunks first those that fits see, then the others
     * @param fittedChunks how many chunks fits see
     */
    SideBySide(LayerRunner runner, TokenChunks chunks, int fittedChunks, StateStore states) {
        this(runner, chunks, fittedChunks, states, OwnStates.embedded(runner, chunks, states), Optional.empty());
    }

    /**
     * Begins at a known point of the stack, with states and a runner that belong to somebody else.
     *
     * @param chunks first those that fits see, then the others
     * @param fittedChunks how many chunks fits see
     * @param own the states of the stack, by chunk
     * @param known the states of the dense model, closed with this
     */
    SideBySide(LayerRunner runner, TokenChunks chunks, int fittedChunks, StateStore states, List<State> own,
            DenseStates known) {
        this(runner, chunks, fittedChunks, states, own, Optional.of(known));
    }

    private SideBySide(LayerRunner runner, TokenChunks chunks, int fittedChunks, StateStore states, List<State> own,
            Optional<DenseStates> known) {
        this.store = runner.store();
        this.runner = runner;
        this.chunks = chunks;
        this.fittedChunks = fittedChunks;
        this.states = states;
        this.owns = false;
        this.own = new OwnStates(states, own);
        this.dense = new DenseModel(states, own, known, false);
        this.against = new TrialPass.Against(chunks, fittedChunks, states, dense::states,
                known.flatMap(DenseStates::betweenHalves), store.config().multipliers().residual(), TokenWeights.NORM);
    }

    @Override
    public int chunks() {
        return chunks.size();
    }

    @Override
    public <T> T reporting(Progress.Task task, Supplier<T> work) {
        return runner.reporting(task, work);
    }

    /**
     * The dense model runs together with the next layer of the stack, so that no thread waits between the two, unless
     * {@link #whileDenseRuns} has run it before.
     */
    @Override
    public void runDense(int layers) {
        if (dense.want(layers, !own.isTogether())) {
            own.part();
        }
    }

    @Override
    public <T> T whileDenseRuns(int layers, Function<Workspace, T> work) {
        List<LayerRunner.Step> steps = new ArrayList<>();
        Optional<List<State>> after = dense.ahead(layers, steps);
        AtomicReference<T> result = new AtomicReference<>();
        runner.run(steps, chunks.chunks(), workspace -> result.set(work.apply(workspace)));
        after.ifPresent(states -> dense.isAhead(states, layers));
        return Objects.requireNonNull(result.get());
    }

    @Override
    public Optional<Reads> reads(LayerNode node, LayerWeights weights, Trial from) {
        DenseReads layer = dense.reads();
        if (layer == null || !layer.isThatOf(node)) {
            return Optional.empty();
        }
        boolean feedForward = from.projection().equals(Optional.of(Part.DOWN));
        boolean between = feedForward && !store.config().sideBySide();
        try (var _ = new PointerScope()) {
            LayerWeights weightsOfDense = store.materialise(new Original(layer.layer()));
            return Optional.of(Reads.measured(runner, states, against, feedForward,
                    new Reads.Side(weights, between ? from.between() : own.states()),
                    new Reads.Side(weightsOfDense, between ? layer.between() : layer.before())));
        }
    }

    /** Runs the dense model as far as was asked for, and then other layers against its states there. */
    private void run(List<LayerRunner.Step> others) {
        List<LayerRunner.Step> steps = new ArrayList<>();
        Optional<Runnable> arrival = dense.goOn(steps, !own.isTogether());
        steps.addAll(others);
        runner.run(steps, chunks.chunks());
        if (arrival.isPresent()) {
            arrival.get().run();
            own.part();
        }
    }

    @Override
    public void runBoth(int layers) {
        if (!own.isTogether()) {
            throw new IllegalStateException("the stack has left the dense model");
        }
        own.part();
        runDense(layers);
        run(List.of());
        own.join(dense.states());
    }

    @Override
    public Trial run(LayerNode node, LayerWeights weights, Optional<Part> projection) {
        return run(node, weights, new TrialPass(against, own.states(), null, weights, projection));
    }

    @Override
    public Trial runAgain(Trial from, LayerNode node, LayerWeights weights, Optional<Part> projection) {
        Part changed = from.projection().orElseThrow();
        if (projection.equals(from.projection()) || projection.equals(Optional.of(Part.OUTPUT))) {
            throw new IllegalArgumentException("a layer that is taken up again before " + changed
                    + " does not tell the inputs of " + projection.orElseThrow());
        }
        return run(node, weights, new TrialPass(against, own.states(), from, weights, projection));
    }

    private Trial run(LayerNode node, LayerWeights weights, TrialPass pass) {
        try (Opening opening = new Opening()) {
            opening.add(pass::close);
            run(List.of(new LayerRunner.Step(node, Optional.of(weights), _ -> {
            }, pass)));
            Trial trial = pass.trial();
            trials.add(trial);
            opening.done();
            return trial;
        }
    }

    @Override
    public void moveOn(Trial trial) {
        own.moveOn(trial.after());
        trial.closeBesides(states);
    }

    @Override
    public void keepPlace(int layers) {
        own.keepPlace();
        dense.keepPlace(layers);
    }

    @Override
    public void goBack() {
        own.goBack();
        dense.goBack();
    }

    @Override
    public void decide(boolean here) {
        own.decide(here);
    }

    @Override
    public void discard(Trial trial) {
        trial.after().forEach(states::free);
        trials.remove(trial);
        trial.closeBesides(states);
    }

    @Override
    public EndLosses losses(LayerStack stack) {
        return EndLosses.of(denseLosses(), ownLosses(stack));
    }

    /** Runs the dense model as far as was asked for, if no layer of the stack has taken it along. */
    void arrive() {
        run(List.of());
    }

    /** What the dense model costs on the tokens that fits do not see: an array (chunks, sequences). */
    double[][] denseLosses() {
        return EndLosses.measured(runner, states, chunks, fittedChunks, dense.states(),
                LayerStack.dense(dense.layers()));
    }

    /** The same of the stack. */
    double[][] ownLosses(LayerStack stack) {
        return EndLosses.measured(runner, states, chunks, fittedChunks, own.states(), stack);
    }

    @Override
    public long lossRuns() {
        return 2 * runner.headRuns() * (chunks.size() - fittedChunks);
    }

    /** Bytes of hidden states in memory now. */
    public long bytesInMemory() {
        return states.bytesInMemory();
    }

    @Override
    public void close() {
        List.copyOf(trials).forEach(this::discard);
        if (owns) {
            states.close();
            runner.close();
            return;
        }
        own.close();
        dense.close();
    }
}
