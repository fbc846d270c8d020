package dev.come.calibration;

import dev.come.failure.Opening;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.PlainLayer;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * How what one half of a layer reads explains what its projections to heads or channels miss. From the stack's own normed state
 * they are to give what the dense layer's give from the dense state. Rows are divided by the length of what they should be.
 * Whoever is given them closes them.
 */
public final class Reads implements AutoCloseable {
    private final List<Part> projections;
    private final boolean bias;
    private final MomentsInOrder fitted;
    private final MomentsInOrder heldOut;

    private Reads(List<Part> projections, boolean bias, LayerWeights weights, TrialPass.Against against) {
        this.projections = projections;
        this.bias = bias;
        long channels = weights.get(projections.getFirst()).size(1) + (bias ? 1 : 0);
        long outputs = projections.stream().mapToLong(part -> weights.get(part).size(0)).sum();
        ChunkGroups groups = new ChunkGroups(against.chunks());
        this.fitted = new MomentsInOrder(channels, outputs, 0, groups, true);
        this.heldOut = new MomentsInOrder(channels, outputs, against.fittedChunks(), groups, true);
    }

    /** A layer and the residual stream that its half reads, by chunk. */
    record Side(LayerWeights weights, List<State> seen) {}

    /** The projections of a layer that read, of one half. */
    static List<Part> projections(LayerWeights weights, boolean feedForward) {
        if (!feedForward) {
            return List.of(Part.QUERY, Part.KEY, Part.VALUE);
        }
        return weights.asMap().containsKey(Part.GATE) ? List.of(Part.GATE, Part.UP) : List.of(Part.UP);
    }

    /**
     * Measures.
     *
     * @param own the layer of the stack; weights are of the caller's PointerScope
     * @param dense the layer that it was in the dense model
     */
    static Reads measured(LayerRunner runner, StateStore states, TrialPass.Against against, boolean feedForward,
            Side own, Side dense) {
        List<Part> projections = projections(own.weights, feedForward);
        boolean bias = projections.stream().allMatch(part -> own.weights.asMap().containsKey(part.bias()));
        PlainLayer plain = new PlainLayer(runner.store().config());
        try (Opening opening = new Opening(); var _ = new PointerScope()) {
            Reads reads = new Reads(projections, bias, own.weights, against);
            opening.add(reads::close);
            Tensor place = states.get(own.seen.getFirst());
            LayerWeights ownWide = wide(own.weights, place);
            LayerWeights denseWide = wide(dense.weights, place);
            runner.workers().forEach(own.seen.size(), (chunk, _) -> {
                try (var _ = new PointerScope()) {
                    Tensor x = read(plain, feedForward, ownWide, states.get(own.seen.get(chunk)));
                    Tensor denseX = read(plain, feedForward, denseWide, states.get(dense.seen.get(chunk)));
                    Missing missing = Missing.of(given(denseWide, denseX, projections), given(ownWide, x, projections),
                            against.weights(), chunk);
                    (chunk < against.fittedChunks() ? reads.fitted : reads.heldOut).add(chunk,
                            missing.moments(x, bias, 1));
                }
            });
            opening.done();
            return reads;
        }
    }

    private static LayerWeights wide(LayerWeights weights, Tensor place) {
        return weights.map((_, tensor) -> tensor.to(place.device(), ScalarType.Float));
    }

    private static Tensor read(PlainLayer plain, boolean feedForward, LayerWeights weights, Tensor seen) {
        Tensor state = seen.to(ScalarType.Float);
        return feedForward ? plain.readByFeedForward(weights, state) : plain.readByAttention(weights, state);
    }

    private static Tensor given(LayerWeights weights, Tensor x, List<Part> projections) {
        TensorVector each = new TensorVector();
        projections.forEach(part -> each.push_back(PlainLayer.linear(weights, x, part, part.bias())));
        return torch.cat(each, 1);
    }

    /** The projections, in the order of their outputs. */
    public List<Part> projections() {
        return projections;
    }

    /** Whether the last channel is the constant that stands for their biases. */
    public boolean bias() {
        return bias;
    }

    /** Over the tokens that fits see. */
    public Moments fitted() {
        return Objects.requireNonNull(fitted.total());
    }

    /** Over the tokens that fits do not see. */
    public Moments heldOut() {
        return Objects.requireNonNull(heldOut.total());
    }

    @Override
    public void close() {
        fitted.close();
        heldOut.close();
    }
}
