package dev.come.distill;

import dev.come.failure.Opening;
import dev.come.model.Compute;
import dev.come.model.CrossEntropyTerm;
import dev.come.model.DecoderLayer;
import dev.come.model.Embedding;
import dev.come.model.InTurn;
import dev.come.model.LayerGradients;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.model.Rotation;
import dev.come.model.Workers;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The whole pruned model that learns on its own states. It runs forward with the weights as they would be stored, and backward
 * each layer again from the states before it: the graph of one layer on one chunk for each thread is all that is in memory, and
 * the weights of one layer besides those that learn. Products are of the compute type, all else of backward is float32.
 */
final class ModelStudent implements TrainingLoop.Student, AutoCloseable {
    private final LayerStore store;
    private final LayerStack stack;
    private final SortedMap<Integer, TrainableLayer> learning;
    private final Examples finals;
    private final HiddenTerm hiddenTerm;
    private final Compute compute;
    private final StateStore states;
    private final Workers workers;
    private final Embedding embedding;
    private final Rotation rotation;
    private final Rotation floatRotation;
    private final LayerGradients gradients;
    private final NextTokenLoss nextTokens;
    private final double crossEntropyWeight;

    /**
     * A student.
     *
     * @param learning the layers that learn, by position
     * @param finals the tokens, and as targets the teacher's states after its last layer
     * @param hiddenTerm what else is trained for
     * @param states where states of the student lie while a batch is under way
     */
    ModelStudent(LayerStore store, LayerStack stack, SortedMap<Integer, TrainableLayer> learning, Examples finals,
            HiddenTerm hiddenTerm, Compute compute, StateStore states, Workers workers, DistillationOptions options) {
        this.store = store;
        this.stack = stack;
        this.learning = learning;
        this.finals = finals;
        this.hiddenTerm = hiddenTerm;
        this.compute = compute;
        this.states = states;
        this.workers = workers;
        this.crossEntropyWeight = options.crossEntropyWeight();
        this.rotation = new Rotation(compute);
        this.floatRotation = new Rotation(compute.inFloat32());
        this.gradients = new LayerGradients(store.config(), floatRotation);
        try (Opening opening = new Opening()) {
            this.embedding = new Embedding(store.checkpoint(), store.config(), compute);
            opening.add(embedding::close);
            this.nextTokens = new NextTokenLoss(store, compute, options.temperature());
            opening.done();
        }
    }

    @Override
    public double addGradients(List<Integer> batch) {
        int lowest = learning.firstKey();
        List<State[]> boundaries = new ArrayList<>();
        State[] after = new State[0];
        try {
            double hidden = Arrays.stream(forward(batch, lowest, boundaries)).sum() / tokens(batch);
            after = new State[batch.size()];
            double loss = headGradients(batch, boundaries.removeLast(), after) + hiddenTerm.weight() * hidden;
            for (int position = stack.size() - 1; position >= lowest; position--) {
                backward(batch, position, boundaries.removeLast(), after, position > lowest);
            }
            return loss;
        } finally {
            boundaries.forEach(this::free);
            free(after);
        }
    }

    /**
     * Runs the model.
     *
     * @param lowest from the boundary before this layer on all are kept
     * @param boundaries is given the boundaries that are kept, the states after the last layer at last
     * @return for each chunk the hidden-state term, the sum over its tokens without the weight
     */
    private double[] forward(List<Integer> batch, int lowest, List<State[]> boundaries) {
        double[] hiddenSums = new double[batch.size()];
        State[] current = new State[batch.size()];
        boundaries.add(current);
        workers.forEach(batch.size(),
                (index, _) -> current[index] = states.put(embedding.of(chunk(batch.get(index)).tokens(),
                        chunk(batch.get(index)).layout())));
        for (int i = 0; i < stack.size(); i++) {
            int position = i;
            State[] before = boundaries.getLast();
            State[] next = new State[batch.size()];
            boundaries.add(next);
            try (var _ = new PointerScope();
                    DecoderLayer layer = new DecoderLayer(store.config(), stored(position), compute)) {
                workers.forEach(batch.size(), (index, workspace) -> {
                    Tensor hidden = states.copy(before[index]);
                    layer.forward(hidden, chunk(batch.get(index)).layout(), rotation, workspace, LayerObserver.NONE,
                            null);
                    hiddenSums[index] += hiddenTerm.sum(position, batch.get(index), hidden);
                    next[index] = states.put(hidden);
                });
            }
            if (position < lowest) {
                free(boundaries.removeFirst());
            }
        }
        return hiddenSums;
    }

    private LayerWeights stored(int position) {
        TrainableLayer layer = learning.get(position);
        return layer == null ? store.materialise(stack.get(position)) : layer.stored(store);
    }

    /**
     * Puts the gradients of the mean loss with respect to the last states into {@code after}; frees the states.
     *
     * @return the loss by next tokens
     */
    private double headGradients(List<Integer> batch, State[] last, State[] after) {
        long tokens = tokens(batch);
        double[] losses = new double[batch.size()];
        try {
            workers.forEach(batch.size(), (index, workspace) -> {
                Tensor student = floats(states.get(last[index]));
                Tensor gradient = torch.empty_like(student);
                losses[index] = nextTokens.sum(student, floats(finals.target(batch.get(index))), text(batch.get(index)),
                        gradient, workspace);
                gradient.div_(new Scalar((double) tokens));
                hiddenTerm.addGradient(stack.size() - 1, batch.get(index), student, tokens, gradient);
                after[index] = states.put(gradient);
            });
        } finally {
            free(last);
        }
        return Arrays.stream(losses).sum() / tokens;
    }

    /**
     * Goes back through one layer; frees the states before it.
     *
     * @param after the gradients of the states after the layer; they become those of the states before it
     * @param further whether layers below want to know
     */
    private void backward(List<Integer> batch, int position, State[] before, State[] after, boolean further) {
        TrainableLayer layer = learning.get(position);
        long tokens = tokens(batch);
        InTurn turns = new InTurn();
        try (var _ = new PointerScope()) {
            LayerWeights weights = LayerGradients.weights(
                    layer == null ? store.materialise(stack.get(position)) : layer.weights(), compute);
            workers.forEach(batch.size(), turns, (index, _) -> {
                Tensor hidden = floats(states.get(before[index]));
                Tensor known = states.get(after[index]);
                Tensor inputGradient = further ? torch.empty_like(hidden) : null;
                TrainableLayer.@Nullable Gradients sums = layer == null ? null : layer.noGradients();
                gradients.backward(weights, hidden, chunk(batch.get(index)).layout(),
                        (output, row) -> known.narrow(0, row, output.size(0)), inputGradient,
                        sums == null ? Map.of() : sums.byPart());
                turns.take(index, () -> {
                    if (layer != null && sums != null) {
                        layer.add(sums);
                    }
                });
                if (inputGradient != null) {
                    // No merged layer lies below the lowest that learns, so none is left out.
                    hiddenTerm.addGradient(position - 1, batch.get(index), hidden, tokens, inputGradient);
                    states.free(after[index]);
                    after[index] = states.put(inputGradient);
                }
            });
        } finally {
            free(before);
        }
    }

    @Override
    public Measures validate() {
        Measures sum = Measures.ZERO;
        List<Integer> validation = IntStream.range(finals.training(), finals.chunks().size()).boxed().toList();
        // A group of chunks at a time, so that states fit the memory as those of a batch do.
        int group = Math.max(1, compute.threads());
        for (int start = 0; start < validation.size(); start += group) {
            sum = sum.plus(measure(validation.subList(start, Math.min(validation.size(), start + group))));
        }
        return sum.dividedBy(tokens(validation));
    }

    private Measures measure(List<Integer> batch) {
        List<State[]> boundaries = new ArrayList<>();
        Measures[] measures = new Measures[batch.size()];
        try {
            double[] hidden = forward(batch, stack.size(), boundaries);
            State[] last = boundaries.getLast();
            workers.forEach(batch.size(), (index, _) -> {
                Tensor student = floats(states.get(last[index]));
                Tensor teacher = floats(finals.target(batch.get(index)));
                CrossEntropyTerm text = text(batch.get(index));
                NextTokenLoss.Sums sums = nextTokens.parts(student, teacher, text);
                Measures divergence = Measures.sums(sums.divergence(), student, teacher);
                Measures found = text.isWanted()
                        ? divergence.withCrossEntropy(text.weight(), sums.crossEntropy())
                        : divergence;
                measures[index] = hiddenTerm.isWanted()
                        ? found.withHidden(hiddenTerm.weight(), hidden[index])
                        : found;
            });
        } finally {
            boundaries.forEach(this::free);
        }
        return Arrays.stream(measures).reduce(Measures.ZERO, Measures::plus);
    }

    private CrossEntropyTerm text(int index) {
        return crossEntropyWeight > 0
                ? new CrossEntropyTerm(crossEntropyWeight, chunk(index).nextTokens())
                : CrossEntropyTerm.NONE;
    }

    private Chunk chunk(int index) {
        return finals.chunks().get(index);
    }

    private long tokens(List<Integer> batch) {
        return batch.stream().mapToLong(chunk -> chunk(chunk).tokens().length).sum();
    }

    private void free(@Nullable State[] some) {
        for (State state : some) {
            if (state != null) {
                states.free(state);
            }
        }
    }

    private static Tensor floats(Tensor tensor) {
        return tensor.to(ScalarType.Float);
    }

    @Override
    public void close() {
        embedding.close();
        rotation.close();
        floatRotation.close();
        nextTokens.close();
    }
}
