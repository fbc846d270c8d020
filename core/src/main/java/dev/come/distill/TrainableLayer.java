package dev.come.distill;

import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorFile;
import dev.come.checkpoint.TensorSpec;
import dev.come.failure.Opening;
import dev.come.memory.Retained;
import dev.come.model.AdamW;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStore;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A layer in training. Its weights are float32, whatever they are stored in, because steps are smaller than what bfloat16
 * tells apart; those that learn lie in one vector, matrices first.
 */
final class TrainableLayer implements AutoCloseable {
    private static final double BETA2 = 0.999;

    private final int position;
    private final LayerNode node;
    private final List<Part> parts;
    private final Retained.Group held = new Retained.Group();
    private final LayerWeights weights;
    private final Tensor vector;
    private final Tensor gradient;
    private final Tensor best;
    private final AdamW optimizer;

    /**
     * A layer that was not trained yet.
     *
     * @param position its position in the stack
     * @param node its recipe
     * @param start its weights, of any floating types
     * @param learning the parts that learn
     * @param compute where it is trained
     */
    TrainableLayer(int position, LayerNode node, LayerWeights start, Set<Part> learning, double weightDecay,
            Compute compute) {
        this.position = position;
        this.node = node;
        this.parts = new ArrayList<>(learning.stream().filter(Part::isMatrix).sorted().toList());
        long matrices = parts.stream().mapToLong(part -> start.get(part).numel()).sum();
        parts.addAll(learning.stream().filter(part -> !part.isMatrix()).sorted().toList());
        try (var _ = new PointerScope(); Opening opening = new Opening()) {
            TensorVector values = new TensorVector();
            parts.forEach(part -> values.push_back(compute.floats(start.get(part)).reshape(-1)));
            opening.add(held::close);
            vector = held.keep(torch.cat(values, 0));
            gradient = held.keep(torch.zeros_like(vector));
            best = held.keep(vector.clone());
            Map<Part, Tensor> views = views(vector, start);
            weights = start.map((part, tensor) -> held.keep(Objects
                    .requireNonNullElseGet(views.get(part), () -> compute.floats(tensor).clone())));
            optimizer = new AdamW(vector, BETA2, weightDecay, matrices);
            opening.done();
        }
    }

    int position() {
        return position;
    }

    LayerNode node() {
        return node;
    }

    /** The weights as they are now, float32. */
    LayerWeights weights() {
        return weights;
    }

    /** The weights as they are now, rounded to the types that they are stored in. */
    LayerWeights stored(LayerStore store) {
        return store.stored(node, weights);
    }

    /** Zeros to add gradients to: a vector, and the same as views by part. */
    Gradients noGradients() {
        Tensor zeros = torch.zeros_like(vector);
        return new Gradients(zeros, views(zeros, weights));
    }

    /** The gradients of the weights that learn. */
    record Gradients(Tensor vector, Map<Part, Tensor> byPart) {}

    private Map<Part, Tensor> views(Tensor of, LayerWeights like) {
        Map<Part, Tensor> views = new EnumMap<>(Part.class);
        long start = 0;
        for (Part part : parts) {
            Tensor tensor = like.get(part);
            views.put(part, of.narrow(0, start, tensor.numel()).view(tensor.shape()));
            start += tensor.numel();
        }
        return views;
    }

    /** Forgets the gradients of the last step. */
    void clearGradients() {
        gradient.zero_();
    }

    /** Adds gradients; one thread at a time. */
    void add(Gradients more) {
        gradient.add_(more.vector());
    }

    /** The gradients so far, {@code (parameters)}. */
    Tensor gradient() {
        return gradient;
    }

    /** The sum of the squared gradients. */
    double squaredLength() {
        try (var _ = new PointerScope()) {
            double length = gradient.norm().item_double();
            return length * length;
        }
    }

    /** Takes a step against the gradients, multiplied by a factor. */
    void step(double learningRate, double factor) {
        try (var _ = new PointerScope()) {
            if (factor != 1) {
                gradient.mul_(new Scalar(factor));
            }
            optimizer.step(gradient, learningRate);
        }
    }

    /** Remembers the weights as they are now. */
    void keepBest() {
        best.copy_(vector);
    }

    /** Goes back to the weights that were remembered. */
    void returnToBest() {
        vector.copy_(best);
    }

    /** What training goes on from, for {@link TrainingFile}. */
    Map<TensorSpec, Tensor> state() {
        Map<TensorSpec, Tensor> state = new LinkedHashMap<>();
        List<Long> shape = List.of(vector.numel());
        state.put(new TensorSpec(name("weights"), DType.F32, shape), vector);
        state.put(new TensorSpec(name("best"), DType.F32, shape), best);
        state.put(new TensorSpec(name("mean"), DType.F32, shape), optimizer.mean());
        state.put(new TensorSpec(name("square"), DType.F32, shape), optimizer.square());
        return state;
    }

    /** Goes on from a state after this number of steps. */
    void restore(TensorFile file, int steps) {
        try (var _ = new PointerScope()) {
            vector.copy_(file.tensor(name("weights")));
            best.copy_(file.tensor(name("best")));
            optimizer.restore(steps, file.tensor(name("mean")), file.tensor(name("square")));
        }
    }

    private String name(String what) {
        return position + "." + what;
    }

    @Override
    public void close() {
        optimizer.close();
        held.close();
    }
}
