package dev.come.calibration;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Calibration.Tokens;
import dev.come.calibration.Question.Range;
import dev.come.calibration.Shards.Context;
import dev.come.calibration.Trace.Span;
import dev.come.failure.Opening;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Some consecutive chunks of the calibration tokens, and all that is measured on them. The tokens alone decide which chunks
 * these are. Answers depend on nothing else that is computed, so a shard may lie on any machine. It keeps states between questions
 * to save time; without them its answers are the same.
 *
 * <p>Safe for use by several threads. It answers one question at a time and shares the work among many threads.
 */
public final class Shard implements AutoCloseable {
    /** So many tokens that reading a layer's weights takes little beside running it over them. */
    static final long TOKENS = 8192;

    private final LayerRunner runner;
    private final Reading reading;
    private final TokenChunks chunks;
    private final Range range;
    private final StateStore states;
    private final TraceTree tree;
    private final TraceStates traced;
    private final StackSearches searches;
    private final FinalStates finalStates;
    private final ShardSides sides;
    private final ShardGradients gradients;
    private Context context;

    /** Chunks that are measured together, the same for any number of machines: about 8192 tokens each. */
    public static List<TokenChunks> divide(TokenChunks chunks) {
        return chunks.groups(TOKENS, 1);
    }

    /**
     * Prepares to measure.
     *
     * @param chunks those of the shard; their sequences keep the numbers that they have among all
     * @param first the number of the first of them among all chunks
     * @param memory bytes of hidden states that are held in memory; beyond it they go to a temporary file
     * @param spillFolder where that file goes
     */
    public Shard(LayerStore store, TokenChunks chunks, int first, Compute compute, Reading reading, long memory,
            Path spillFolder) {
        check(reading, store.config());
        this.reading = reading;
        this.chunks = chunks;
        this.range = new Range(first, first + chunks.size());
        this.context = Context.of(LayerStack.dense(store.config().layers()));
        try (Opening opening = new Opening()) {
            this.runner = new LayerRunner(store, compute);
            opening.add(runner::close);
            this.states = new StateStore(memory, spillFolder);
            opening.add(states::close);
            this.tree = new TraceTree(runner, chunks, states, reading, first == 0);
            this.traced = new TraceStates(runner, states, tree, chunks, reading);
            this.searches = new StackSearches(runner, compute, states, tree, chunks, first, memory);
            this.finalStates = new FinalStates(runner, states, searches, chunks);
            this.sides = new ShardSides(this, chunks, first);
            this.gradients = new ShardGradients(new BackwardPass(runner, store, compute, chunks, states));
            opening.done();
        }
    }

    /**
     * Refuses a reading that the model has no states for.
     *
     * @throws UsageException if states after the final norm are to be compared with others that are of another width
     */
    static void check(Reading reading, ModelConfig config) {
        if (reading.lastStateAfterFinalNorm() && config.embeddingSize() != config.hiddenSize()) {
            throw new UsageException(
                    "--compat reference compares the last state after everything that follows the layers, which is "
                            + config.embeddingSize() + " wide in this model where states between layers are "
                            + config.hiddenSize() + "; the authors' code fails here; use --compat none");
        }
    }

    /** Answers a question; what it needs no more is forgotten first. */
    public synchronized <A extends Serializable> A answer(Context about, Question<A> question, Progress.Task task) {
        if (!about.equals(context)) {
            enter(about);
        }
        return runner.reporting(task, () -> question.answer(this));
    }

    /**
     * Answers a question whose answer is large.
     *
     * @return closed by the caller
     */
    synchronized <A extends Serializable, S extends LargeSums> LargeQuestion.Answer<A, S> answer(Context about,
            LargeQuestion<A, S> question, Progress.Task task) {
        if (!about.equals(context)) {
            enter(about);
        }
        return runner.reporting(task, () -> question.answer(this));
    }

    /** Forgets what is not worth remembering; said again, it is about what came in between. */
    synchronized void enter(Context about) {
        sides.enter(about.side());
        boolean sameSearch = searches.enter(about.search());
        if (sameSearch || !about.focus().equals(context.focus()) || !about.kept().equals(context.kept())) {
            searches.focus(about.focus());
            List<LayerStack> stacks = new ArrayList<>(about.kept());
            stacks.add(about.focus());
            tree.keepOnly(stacks);
        }
        context = about;
    }

    /** What it was told of last. */
    public Context context() {
        return context;
    }

    LayerRunner runner() {
        return runner;
    }

    StateStore states() {
        return states;
    }

    StackSearches searches() {
        return searches;
    }

    FinalStates finalStates() {
        return finalStates;
    }

    /** The traces of a stack: the embeddings first, then the states after each of its layers. */
    List<Trace> path(LayerStack stack) {
        return tree.path(stack);
    }

    long traceRuns(LayerStack stack) {
        return tree.missing(stack) * chunks.size();
    }

    double[][] influence(LayerStack stack) {
        List<Trace> path = path(stack);
        double[][] influence = new double[stack.size()][];
        for (int position = 0; position < influence.length; position++) {
            influence[position] = path.get(position + 1).observation().influence();
        }
        if (reading.lastStateAfterFinalNorm() && stack.size() > 0) {
            influence[stack.size() - 1] = traced.influenceAfterFinalNorm(path);
        }
        return influence;
    }

    double[][] movement(LayerStack stack) {
        return traced.movements(path(stack)).toArray(double[][]::new);
    }

    double[][] angles(LayerStack stack, int width, Tokens tokens) {
        List<Trace> path = path(stack);
        List<double[]> angles = new ArrayList<>();
        for (int end = width; end < path.size(); end++) {
            Trace before = path.get(end - width);
            Trace after = path.get(end);
            if (end == path.size() - 1 && reading.lastStateAfterFinalNorm()) {
                angles.add(traced.angles(before, after, tokens, true));
            } else {
                angles.add(after.angles().computeIfAbsent(new Span(width, tokens),
                        _ -> traced.angles(before, after, tokens, false)));
            }
        }
        return angles.toArray(double[][]::new);
    }

    LayerSums activations(LayerStack stack, int position) {
        return path(stack).get(position + 1).observation().sums();
    }

    double[][][] pooled(LayerStack stack) {
        return traced.pooled(path(stack)).toArray(double[][][]::new);
    }

    /** Makes the traces of a stack where they are missing. */
    boolean trace(LayerStack stack) {
        path(stack);
        return true;
    }

    MomentSums beside(LayerStack before, Concatenated merged) {
        return new ParallelSources(runner, chunks, states).moments(merged, path(before).getLast().states());
    }

    ShardSides sides() {
        return sides;
    }

    ShardGradients gradients() {
        return gradients;
    }

    /** Its chunks, by their numbers among all. */
    Range range() {
        return range;
    }

    /** Bytes of hidden states in memory now. */
    public long bytesInMemory() {
        return states.bytesInMemory();
    }

    @Override
    public synchronized void close() {
        sides.close();
        gradients.close();
        finalStates.close();
        searches.close();
        tree.close();
        states.close();
        runner.close();
    }
}
