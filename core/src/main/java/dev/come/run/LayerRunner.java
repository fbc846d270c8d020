package dev.come.run;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import dev.come.model.Compute;
import dev.come.model.CrossEntropy;
import dev.come.model.DecoderLayer;
import dev.come.model.Embedding;
import dev.come.model.LanguageModelHead;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.model.LikelyTokens;
import dev.come.model.ModelConfig;
import dev.come.model.Rotation;
import dev.come.model.TokenLayout;
import dev.come.model.Waiting;
import dev.come.model.Workers;
import dev.come.model.Workspace;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** Runs one layer at a time over chunks of tokens, so that only that layer's weights are in memory. */
public final class LayerRunner implements AutoCloseable {
    private static final Progress.Task NO_PROGRESS = _ -> {
    };

    private final LayerStore store;
    private final Compute compute;
    private final boolean readsAhead;
    private final Workers workers;
    private final Embedding embedding;
    private final LanguageModelHead head;
    private final CrossEntropy crossEntropy;
    private final Rotation rotation;
    private Progress.Task progress = NO_PROGRESS;

    /** What happens to the chunks of tokens around a layer; called from several threads, for different chunks. */
    public interface Pass {
        /** The states before the layer, of the current PointerScope; they are changed in place. */
        Tensor before(int chunk);

        /** Who watches the layer work on a chunk. */
        LayerObserver observer(int chunk);

        /** Runs the layer in place. */
        default void forward(DecoderLayer layer, int chunk, Tensor hidden, TokenLayout layout, Rotation rotation,
                Workspace workspace) {
            layer.forward(hidden, layout, rotation, workspace, observer(chunk), null);
        }

        /** The states after the layer. */
        void after(int chunk, Tensor hidden);

        /** What messages call the text on which states are not finite. */
        default String subject(int chunk, Chunk tokens, Tensor hidden) {
            return "the sequences from " + tokens.first() + " on";
        }
    }

    /** What is known of a layer's weights while they are there. */
    public interface WeightsVisitor {
        void visit(LayerWeights weights);
    }

    public LayerRunner(LayerStore store, Compute compute) {
        this(store, compute, store.config().layerParameters() >= LayerAhead.LARGE);
    }

    /** @param readsAhead whether the next layer is made while one is run */
    LayerRunner(LayerStore store, Compute compute, boolean readsAhead) {
        this.store = store;
        this.compute = compute;
        this.readsAhead = readsAhead;
        try (Opening opening = new Opening()) {
            this.workers = new Workers(compute);
            opening.add(workers::close);
            this.embedding = new Embedding(store.checkpoint(), store.config(), compute);
            opening.add(embedding::close);
            this.head = new LanguageModelHead(store.checkpoint(), store.config(), compute);
            opening.add(head::close);
            this.crossEntropy = new CrossEntropy(head);
            this.rotation = new Rotation(compute);
            opening.done();
        }
    }

    /**
     * Does work that is reported on. The task advances by one with every layer that is run over a chunk, and by
     * {@link #headRuns} with every run of the output projection.
     */
    public <T> T reporting(Progress.Task task, Supplier<T> work) {
        progress = task;
        try {
            return work.get();
        } finally {
            progress = NO_PROGRESS;
        }
    }

    /** Reports work that this class does not see itself. */
    public void advance(long runs) {
        progress.advance(runs);
    }

    /** To how many runs of a layer a run of the output projection comes. */
    public long headRuns() {
        return headRuns(store.config());
    }

    /** To how many runs of a layer a run of the output projection comes in a model. */
    public static long headRuns(ModelConfig config) {
        return Math.max(1, (long) config.vocabularySize() * config.hiddenSize() / config.layerParameters());
    }

    /** What is wrong where values are not finite, for the end of a message. */
    public String whyNotFinite() {
        return compute.whyNotFinite();
    }

    public LayerStore store() {
        return store;
    }

    public Rotation rotation() {
        return rotation;
    }

    public LanguageModelHead head() {
        return head;
    }

    /** Losses and likelihoods of next tokens. */
    public CrossEntropy crossEntropy() {
        return crossEntropy;
    }

    public Workers workers() {
        return workers;
    }

    /** The residual stream before the first layer. */
    public Tensor embed(Chunk chunk) {
        return embedding.of(chunk.tokens(), chunk.layout());
    }

    /**
     * A layer to run.
     *
     * @param weights those to run it with instead of those that the recipe makes, of whatever size; they must outlive the run
     * @param visitor sees the weights once, before they are used
     */
    public record Step(LayerNode node, Optional<LayerWeights> weights, WeightsVisitor visitor, Pass pass) {
        /** A layer with the weights of its recipe. */
        public Step(LayerNode node, WeightsVisitor visitor, Pass pass) {
            this(node, Optional.empty(), visitor, pass);
        }
    }

    /** Runs a layer over all chunks. */
    public void run(LayerNode node, List<Chunk> chunks, WeightsVisitor visitor, Pass pass) {
        run(List.of(new Step(node, visitor, pass)), chunks);
    }

    /**
     * Runs layers one after the other over all chunks. A thread that finds no chunk left goes on with the next layer as soon as
     * the layer before is through with the chunk at hand, so two layers are in memory at once. Of a large model the next layer is
     * read meanwhile.
     */
    public void run(List<Step> steps, List<Chunk> chunks) {
        run(steps, chunks, null);
    }

    /**
     * The same while one thread does something else first.
     *
     * @param beside is given the workspace of the thread that does it
     */
    public void run(List<Step> steps, List<Chunk> chunks, @Nullable Consumer<Workspace> beside) {
        int before = beside == null ? 0 : 1;
        List<StepLayer> layers = steps.stream().map(step -> new StepLayer(store, compute, step, chunks.size()))
                .toList();
        Waiting waiting = new Waiting();
        try (LayerAhead ahead = new LayerAhead(readsAhead ? layers : List.of())) {
            // More than there are chunks would only wait; so they help.
            workers.forEach(before + steps.size() * chunks.size(), before + chunks.size(), waiting,
                    (task, workspace) -> {
                        if (beside != null && task == 0) {
                            beside.accept(workspace);
                            return;
                        }
                        int index = (task - before) % chunks.size();
                        int position = (task - before) / chunks.size();
                        if (position > 0) {
                            waiting.until(() -> layers.get(position - 1).isThrough(index));
                        }
                        StepLayer layer = layers.get(position);
                        DecoderLayer made = layer.open();
                        ahead.look();
                        run(made, layer.step().node(), index, chunks.get(index), layer.step().pass(), workspace);
                        waiting.change(() -> layer.finished(index));
                        ahead.look();
                    });
        } finally {
            layers.forEach(StepLayer::close);
        }
    }

    private void run(DecoderLayer layer, LayerNode node, int index, Chunk chunk, Pass pass, Workspace workspace) {
        Shortage.named(() -> "Layer " + node.tree() + " on " + chunk.tokens().length + " tokens",
                () -> runNamed(layer, node, index, chunk, pass, workspace));
    }

    private void runNamed(DecoderLayer layer, LayerNode node, int index, Chunk chunk, Pass pass, Workspace workspace) {
        Tensor hidden = pass.before(index);
        pass.forward(layer, index, hidden, chunk.layout(), rotation, workspace);
        // A sum is finite only if all of its terms are.
        if (!Double.isFinite(hidden.sum().item_double())) {
            store.requireFinite(node);
            throw new FailedException("Layer " + node.tree() + " gives values that are not finite on "
                    + pass.subject(index, chunk, hidden) + "; " + whyNotFinite());
        }
        pass.after(index, hidden);
        progress.advance(1);
    }

    /**
     * The mean cross-entropy of the second to last token of each sequence of a chunk, in nats; 0 where there is no second.
     *
     * @param hidden the states after the last layer of the stack
     */
    public double[] losses(Chunk chunk, Tensor hidden, Workspace workspace, LayerStack stack) {
        return means(tokenLosses(chunk, hidden, StackLosses.ALL, workspace, stack));
    }

    /**
     * The cross-entropy of the tokens of each sequence of a chunk, in nats.
     *
     * @param hidden the states after the last layer of the stack
     * @param first for each sequence, by its number, the position of the first token that is scored
     */
    double[][] tokenLosses(Chunk chunk, Tensor hidden, IntUnaryOperator first, Workspace workspace, LayerStack stack) {
        double[][] losses = Shortage.named(() -> "The output projection on " + chunk.tokens().length + " tokens",
                () -> crossEntropy.losses(hidden, chunk.tokens(), chunk.layout(),
                        index -> first.applyAsInt(chunk.first() + index), workspace));
        progress.advance(headRuns());
        return check(losses, chunk, stack);
    }

    private double[][] check(double[][] losses, Chunk chunk, LayerStack stack) {
        for (int i = 0; i < losses.length; i++) {
            double sum = Arrays.stream(losses[i]).sum();
            if (!Double.isFinite(sum)) {
                throw new FailedException("The loss of sequence " + (chunk.first() + i) + " under the layers "
                        + stack.tree() + " is " + sum + "; " + whyNotFinite());
            }
        }
        return losses;
    }

    /**
     * What the {@link #losses} are at least, by some tokens of the vocabulary.
     *
     * @param hidden the states after the last layer of the stack
     */
    public double[] lossBounds(Chunk chunk, Tensor hidden, LikelyTokens likely, Workspace workspace, LayerStack stack) {
        return means(check(crossEntropy.lossBounds(hidden, chunk.tokens(), chunk.layout(), likely, workspace), chunk,
                stack));
    }

    private static double[] means(double[][] losses) {
        return Arrays.stream(losses).mapToDouble(some -> Arrays.stream(some).average().orElse(0)).toArray();
    }

    @Override
    public void close() {
        workers.close();
        embedding.close();
        head.close();
        rotation.close();
    }
}
