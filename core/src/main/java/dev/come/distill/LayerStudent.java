package dev.come.distill;

import dev.come.model.Compute;
import dev.come.model.InTurn;
import dev.come.model.LayerGradients;
import dev.come.model.LayerWeights;
import dev.come.model.PlainLayer;
import dev.come.model.Rotation;
import dev.come.model.Workers;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerStore;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * One layer that learns by itself: the teacher's states before it in, the teacher's states after it to be matched. What comes
 * out does not depend on the number of threads.
 */
final class LayerStudent implements TrainingLoop.Student {
    private final TrainableLayer layer;
    private final LayerStore store;
    private final Examples examples;
    private final Workers workers;
    private final Compute compute;
    private final Objective objective;
    private final double temperature;
    private final Rotation rotation;
    private final LayerGradients gradients;
    private final PlainLayer plain;

    /**
     * A student.
     *
     * @param rotation float32
     * @param compute products for gradients are of its type
     */
    LayerStudent(TrainableLayer layer, LayerStore store, Examples examples, Workers workers, Rotation rotation,
            Compute compute, DistillationOptions options) {
        this.compute = compute;
        this.layer = layer;
        this.store = store;
        this.examples = examples;
        this.workers = workers;
        this.objective = options.objective();
        this.temperature = options.temperature();
        this.rotation = rotation;
        this.gradients = new LayerGradients(store.config(), rotation);
        this.plain = new PlainLayer(store.config());
    }

    @Override
    public double addGradients(List<Integer> batch) {
        long tokens = batch.stream().mapToLong(chunk -> chunk(chunk).tokens().length).sum();
        double[] losses = new double[batch.size()];
        InTurn turns = new InTurn();
        try (var _ = new PointerScope()) {
            LayerWeights weights = LayerGradients.weights(layer.weights(), compute);
            workers.forEach(batch.size(), turns, (turn, _) -> {
                int chunk = batch.get(turn);
                Tensor target = floats(examples.target(chunk));
                TrainableLayer.Gradients sums = layer.noGradients();
                gradients.backward(weights, floats(examples.input(chunk)), chunk(chunk).layout(), (output, row) -> {
                    Tensor expected = target.narrow(0, row, output.size(0));
                    losses[turn] += objective.sum(output, expected, temperature);
                    return objective.gradient(output, expected, temperature).div_(new Scalar((double) tokens));
                }, null, sums.byPart());
                turns.take(turn, () -> layer.add(sums));
            });
        }
        return Arrays.stream(losses).sum() / tokens;
    }

    @Override
    public Measures validate() {
        int first = examples.training();
        Measures[] measures = new Measures[examples.chunks().size() - first];
        try (var _ = new PointerScope()) {
            LayerWeights stored = layer.stored(store).map((_, tensor) -> floats(tensor));
            workers.forEach(measures.length, (index, _) -> {
                Tensor output = plain.forward(stored, floats(examples.input(first + index)),
                        chunk(first + index).layout(), rotation);
                Tensor expected = floats(examples.target(first + index));
                measures[index] = Measures.sums(objective.sum(output, expected, temperature), output, expected);
            });
        }
        long tokens = 0;
        for (int chunk = first; chunk < examples.chunks().size(); chunk++) {
            tokens += chunk(chunk).tokens().length;
        }
        return Arrays.stream(measures).reduce(Measures.ZERO, Measures::plus).dividedBy(tokens);
    }

    private Chunk chunk(int index) {
        return examples.chunks().get(index);
    }

    private static Tensor floats(Tensor tensor) {
        return tensor.to(ScalarType.Float);
    }
}
