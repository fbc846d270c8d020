package dev.come.demo;

import dev.come.memory.Retained;
import dev.come.model.AdamW;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.PlainLayer;
import dev.come.model.Rotation;
import dev.come.model.TokenLayout;
import dev.come.model.Workers;
import dev.come.text.Sequences;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A model in training, from random weights on. All weights are float32 and lie in one vector; the tensors of the model are
 * views on it.
 *
 * <p>The same seed and the same batches give the same weights to the bit, on the same kind of processor, however many
 * threads there are: a batch is always split into the same two halves, each of which is one thread's work.
 */
final class Training implements AutoCloseable {
    private static final int HALVES = 2;
    /** Large enough that words of one kind are told apart from the first step on. */
    private static final double EMBEDDING_DEVIATION = 0.3;
    /** Small, because the embedding is also the head: the first logits of so large embeddings would be far apart. */
    private static final double FIRST_FINAL_NORM = 0.1;
    private static final double BETA2 = 0.95;
    private static final double WEIGHT_DECAY = 0.01;
    private static final double LARGEST_GRADIENT_NORM = 1;

    private final ModelConfig config;
    private final PlainLayer layer;
    private final Rotation rotation;
    private final Workers workers;
    private final Retained.Group held = new Retained.Group();
    private final Tensor weights;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Tensor gradients;
    private final AdamW optimizer;

    /** Draws the weights of a model. */
    Training(ModelConfig config, RandomGenerator random) {
        Compute compute = Compute.float32(HALVES);
        this.config = config;
        this.layer = new PlainLayer(config);
        this.rotation = new Rotation(compute);
        this.workers = new Workers(compute);
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            TensorVector values = new TensorVector();
            slots().forEach(slot -> values.push_back(torch.tensor(slot.firstValues(random))));
            weights = held.keep(torch.cat(values, 0));
            gradients = held.keep(torch.zeros(HALVES, weights.numel()));
            long start = 0;
            for (Slot slot : slots()) {
                long[] shape = slot.shape().stream().mapToLong(Long::longValue).toArray();
                tensors.put(slot.name(), held.keep(weights.narrow(0, start, slot.length()).view(shape).detach()
                        .set_requires_grad(true)));
                start += slot.length();
            }
        }
        optimizer = new AdamW(weights, BETA2, WEIGHT_DECAY, weights.numel());
    }

    /** The tensors of the model by name, float32, in the order in which they are stored. */
    Map<String, Tensor> tensors() {
        return tensors;
    }

    /** The tensors in the order in which they are stored. */
    private List<Slot> slots() {
        List<Slot> slots = new ArrayList<>();
        List<Long> hidden = List.of((long) config.hiddenSize());
        slots.add(new Slot(config.family().names().embedding(),
                List.of((long) config.vocabularySize(), (long) config.hiddenSize()), EMBEDDING_DEVIATION, 0));
        for (int i = 0; i < config.layers(); i++) {
            for (Part part : config.parts()) {
                List<Long> shape = config.shape(part);
                slots.add(switch (part.axis()) {
                    case QUERY_ROWS, KEY_VALUE_ROWS, CHANNEL_ROWS ->
                        new Slot(config.tensorName(i, part), shape, 1 / Math.sqrt(shape.getLast()), 0);
                    // A layer adds nothing to the residual stream until it has learned what to add.
                    case QUERY_COLUMNS, CHANNEL_COLUMNS -> new Slot(config.tensorName(i, part), shape, 0, 0);
                    case QUERY_HEADS, BY_RATIO, AVERAGED -> new Slot(config.tensorName(i, part), shape, 0, 1);
                });
            }
        }
        slots.add(new Slot(config.family().names().finalNorm(), hidden, 0, FIRST_FINAL_NORM));
        return slots;
    }

    /** A tensor of the model and the mean and standard deviation of its first values. */
    private record Slot(String name, List<Long> shape, double deviation, double mean) {
        int length() {
            return Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact));
        }

        /** Uniform values, which need no logarithm or cosine that two machines may round differently. */
        float[] firstValues(RandomGenerator random) {
            float[] values = new float[length()];
            double bound = deviation * Math.sqrt(3);
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (deviation == 0 ? mean : random.nextDouble(mean - bound, mean + bound));
            }
            return values;
        }
    }

    /**
     * Takes one step on a batch of sequences of equal length.
     *
     * @return the mean cross-entropy of the next tokens before the step, in nats
     */
    double step(Sequences batch, double learningRate) {
        double[] losses = new double[HALVES];
        int half = batch.count() / HALVES;
        workers.forEach(HALVES, (index, _) -> losses[index] = gradient(batch.slice(index * half, (index + 1) * half),
                gradients.select(0, index)));
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            Tensor gradient = gradients.mean(0);
            double norm = gradient.norm().item_double();
            gradient.mul_(new Scalar(Math.min(1, LARGEST_GRADIENT_NORM / norm)));
            optimizer.step(gradient, learningRate);
        }
        return Arrays.stream(losses).average().orElseThrow();
    }

    /** Puts the gradient of the loss into {@code target}, {@code (parameters)}, and returns the loss. */
    private double gradient(Sequences batch, Tensor target) {
        try (var _ = new AutoGradMode(true)) {
            Tensor loss = loss(batch);
            TensorVector all = new TensorVector(tensors.values().toArray(Tensor[]::new));
            TensorVector gradients = torch.grad(new TensorVector(loss), all);
            try (var _ = new NoGradGuard()) {
                TensorVector flat = new TensorVector();
                for (Tensor gradient : gradients.get()) {
                    flat.push_back(gradient.reshape(-1));
                }
                torch.cat_out(target, flat, 0);
            }
            return loss.item_double();
        }
    }

    private Tensor loss(Sequences batch) {
        int length = batch.length(0);
        int[] lengths = new int[batch.count()];
        Arrays.fill(lengths, length);
        TokenLayout layout = TokenLayout.of(lengths);
        Tensor tokens = torch.tensor(Arrays.stream(batch.tokens()).asLongStream().toArray());
        Tensor embedding = tensor(config.family().names().embedding());
        Tensor hidden = torch.index_select(embedding, 0, tokens);
        for (int i = 0; i < config.layers(); i++) {
            hidden = layer.forward(layerWeights(i), hidden, layout, rotation);
        }
        Tensor states = config.norm().plain(hidden, tensor(config.family().names().finalNorm()), null)
                .view(batch.count(), length, config.hiddenSize()).narrow(1, 0, length - 1)
                .reshape(-1, config.hiddenSize());
        Tensor targets = tokens.view(batch.count(), length).narrow(1, 1, length - 1).reshape(-1);
        return torch.cross_entropy_loss(states.matmul(embedding.t()), targets);
    }

    private LayerWeights layerWeights(int index) {
        return LayerWeights.of(config, config.attention(index), part -> tensor(config.tensorName(index, part)));
    }

    private Tensor tensor(String name) {
        return Objects.requireNonNull(tensors.get(name));
    }

    @Override
    public void close() {
        optimizer.close();
        held.close();
        rotation.close();
        workers.close();
    }
}
