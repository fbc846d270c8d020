package dev.come.stack;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.FiniteNumbers;
import dev.come.checkpoint.TensorInfo;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.WeightedSum;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Recipes into weights, one layer at a time, from the checkpoint. */
public final class LayerStore {
    private final Checkpoint checkpoint;
    private final ModelConfig config;
    private final List<TrainedLayers> trained;

    /** Uses an open checkpoint, which must stay open. */
    public LayerStore(Checkpoint checkpoint, ModelConfig config) {
        this(checkpoint, config, List.of());
    }

    private LayerStore(Checkpoint checkpoint, ModelConfig config, List<TrainedLayers> trained) {
        this.checkpoint = checkpoint;
        this.config = config;
        this.trained = trained;
    }

    /** The same, finding the weights of trained layers there too, which must stay open. */
    public LayerStore with(TrainedLayers layers) {
        return new LayerStore(checkpoint, config, Stream.concat(Stream.of(layers), trained.stream()).toList());
    }

    public ModelConfig config() {
        return config;
    }

    public Checkpoint checkpoint() {
        return checkpoint;
    }

    /**
     * The tensors of a layer in their stored types. Copied numbers are copied to the bit; sums and means are made from the
     * stored numbers in float64, through any depth of nesting, and rounded once at the end. What is measured is therefore
     * exactly what is saved.
     *
     * @return tensors of the current PointerScope, in memory of their own
     * @throws InvalidInputException if the weights of a trained layer are not where they should be
     * @throws FailedException if a sum is too large for the type that it is stored in
     */
    public LayerWeights materialise(LayerNode node) {
        return materialise(node, () -> {
        });
    }

    /**
     * The same.
     *
     * @param before is run before each part; what it throws is thrown
     */
    public LayerWeights materialise(LayerNode node, Runnable before) {
        return LayerWeights.of(config, config.attention(first(node)), part -> kept(() -> {
            before.run();
            Tensor exact = exact(node, part);
            Tensor stored = stored(node, part, exact);
            // Enums of the engine are not one object for each value.
            boolean rounded = stored.scalar_type().value != exact.scalar_type().value;
            if (rounded && !FiniteNumbers.fill(stored) && FiniteNumbers.fill(exact)) {
                throw new FailedException("Layer " + node.tree() + " would have weights in " + part
                        + " that are too large for " + DType.of(stored.scalar_type())
                        + ", which the checkpoint stores them in; store it in BF16 or F32, or take another method");
            }
            return stored;
        }));
    }

    /**
     * Checks the weights of a layer.
     *
     * @throws DamagedWeightsException if some are not finite; the message names layer and tensor
     */
    public void requireFinite(LayerNode node) {
        try (var _ = new PointerScope()) {
            requireFinite(node, materialise(node));
        }
    }

    /** The same with the weights as they are made. */
    public void requireFinite(LayerNode node, LayerWeights weights) {
        weights.asMap().forEach((part, tensor) -> {
            if (!FiniteNumbers.fill(tensor)) {
                node.originals()
                        .forEach(layer -> requireFinite("Layer " + layer, config.tensorName(layer, part)));
                throw new DamagedWeightsException(
                        "Layer " + node.tree() + ": the weights that were made for it hold NaN"
                                + " or infinity in " + part + "; make the model again from one that is not damaged");
            }
        });
    }

    /**
     * Checks a tensor of the checkpoint.
     *
     * @param place begins the message
     * @throws DamagedWeightsException if it is not finite
     */
    void requireFinite(String place, String name) {
        try (var _ = new PointerScope()) {
            if (!FiniteNumbers.fill(checkpoint.tensor(name))) {
                TensorInfo info = checkpoint.info(name);
                throw new DamagedWeightsException(
                        "%s: tensor %s in %s holds NaN or infinity; the file is damaged, so fetch"
                                .formatted(place, info.name(), info.file()) + " the model again");
            }
        }
    }

    /** Weights of a layer, of whatever floating types, in those that it is stored in; infinite where they are too large. */
    public LayerWeights stored(LayerNode node, LayerWeights weights) {
        return weights.map((part, tensor) -> stored(node, part, tensor));
    }

    private Tensor stored(LayerNode node, Part part, Tensor tensor) {
        ScalarType type = checkpoint.info(config.tensorName(first(node), part)).dtype().scalarType();
        return tensor.scalar_type().value == type.value ? tensor : tensor.to(type);
    }

    /** A part of a layer before the last rounding. Of what a deep recipe needs on the way, part by part, nothing is kept. */
    private Tensor exact(LayerNode node, Part part) {
        return kept(() -> switch (node) {
            case Original original -> LayerWeights.stored(config, original.index(), part, checkpoint::rows);
            case Concatenated concatenated -> new Concatenation(config, concatenated, this::exact).of(part);
            case WeightedSum sum -> sum(sum, part);
            case Trained layer -> placeOf(layer).part(layer, config, part);
        });
    }

    /** Makes a tensor of the current PointerScope and nothing else. */
    private static Tensor kept(Supplier<Tensor> made) {
        PointerScope outer = PointerScope.getInnerScope();
        try (var _ = new PointerScope()) {
            Tensor tensor = made.get();
            outer.attach(tensor);
            return tensor;
        }
    }

    private static int first(LayerNode node) {
        return node.originals().findFirst().orElseThrow();
    }

    private TrainedLayers placeOf(Trained node) {
        if (trained.isEmpty()) {
            throw new IllegalStateException("nobody said where the weights of trained layers lie");
        }
        // Where they were found before is asked first, since to look for them is to read them.
        return Stream.concat(trained.stream().filter(layers -> layers.hasFound(node)),
                trained.stream().filter(layers -> layers.holds(node, config))).findFirst().orElse(trained.getFirst());
    }

    private Tensor sum(WeightedSum node, Part part) {
        if (node.scope() == Scope.MATRICES && !part.isMatrix()) {
            return exact(node.terms().getFirst().source(), part);
        }
        return WeightedSums.of(node.terms().stream().map(term -> exact(term.source(), part)).toList(),
                node.terms().stream().map(Term::factor).toList());
    }
}
