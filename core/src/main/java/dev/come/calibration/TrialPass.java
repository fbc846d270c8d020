package dev.come.calibration;

import dev.come.model.DecoderLayer;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.Rotation;
import dev.come.model.TokenLayout;
import dev.come.model.Workspace;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** A layer of the stack on its way over the chunks, from its beginning or from where a trial tells what goes on. */
final class TrialPass extends ForwardPass implements AutoCloseable {
    private final Against against;
    private final @Nullable Trial from;
    private final Optional<Part> projection;
    private final long width;
    private final boolean bias;
    private final ProjectionInputs[] kept;
    private final State[] inputs;
    private final State[] between;
    private final double[] squares;
    private final double[] totals;
    private final MomentsInOrder fitted;
    private final MomentsInOrder heldOut;

    /**
     * What a layer of the stack is compared with.
     *
     * @param chunks first those that fits see, then the others
     * @param fittedChunks how many chunks fits see
     * @param states where all states are kept
     * @param dense the states that the layer should give, by chunk; asked for when the layer is through with a chunk
     * @param between the states that its first half should give, by chunk; without them that half is to make up for what the
     *        whole layer misses
     * @param residual by how much the layer multiplies what it adds to the residual stream
     * @param weights how much each token counts
     */
    record Against(TokenChunks chunks, int fittedChunks, StateStore states, Supplier<List<State>> dense,
            Optional<List<State>> between, double residual, TokenWeights weights) {
        /** What states of a chunk are off. */
        Missing missing(State expected, Tensor found, int chunk) {
            return Missing.of(states.get(expected).to(ScalarType.Float), found.to(ScalarType.Float), weights, chunk);
        }
    }

    /**
     * A layer of the stack.
     *
     * @param own the states before it, by chunk
     * @param from a trial of the same layer that is taken up where its projection begins; null: all of the layer is run
     * @param weights what it is run with
     * @param projection the projection whose moments are wanted
     */
    TrialPass(Against against, List<State> own, @Nullable Trial from, LayerWeights weights, Optional<Part> projection) {
        super(against.states, from == null || from.between().isEmpty() ? own : from.between(), false);
        int chunks = against.chunks.size();
        this.against = against;
        this.from = from;
        this.projection = projection;
        this.kept = new ProjectionInputs[chunks];
        this.inputs = new State[chunks];
        this.between = new State[chunks];
        this.squares = new double[chunks];
        this.totals = new double[chunks];
        this.width = projection.map(part -> weights.get(part).size(1)).orElse(0L);
        this.bias = projection.filter(part -> weights.asMap().containsKey(part.bias())).isPresent();
        long outputs = projection.map(part -> weights.get(part).size(0)).orElse(0L);
        ChunkGroups groups = new ChunkGroups(against.chunks);
        this.fitted = new MomentsInOrder(width + (bias ? 1 : 0), outputs, 0, groups, projection.isPresent());
        this.heldOut = new MomentsInOrder(width + (bias ? 1 : 0), outputs, against.fittedChunks, groups,
                projection.isPresent());
    }

    @Override
    public void forward(DecoderLayer layer, int chunk, Tensor hidden, TokenLayout layout, Rotation rotation,
            Workspace workspace) {
        LayerObserver observer = LayerObserver.NONE;
        if (projection.isPresent()) {
            kept[chunk] = new ProjectionInputs(projection.get(), hidden, width, against.between.isPresent());
            observer = kept[chunk];
        }
        if (from == null) {
            layer.forward(hidden, layout, rotation, workspace, observer, null);
        } else if (from.between().isEmpty()) {
            layer.forwardFromHeads(hidden, against.states.get(from.inputs().get(chunk)), workspace, observer);
        } else {
            layer.forwardFromChannels(hidden, against.states.get(from.inputs().get(chunk)), workspace);
        }
    }

    @Override
    public void after(int chunk, Tensor hidden) {
        super.after(chunk, hidden);
        Missing atEnd = against.missing(against.dense.get().get(chunk), hidden, chunk);
        totals[chunk] = atEnd.total();
        squares[chunk] = atEnd.rows().square().sum(new ScalarTypeOptional(ScalarType.Double)).item_double();
        if (projection.isPresent()) {
            Missing missing = projection.get() == Part.OUTPUT && against.between.isPresent()
                    ? against.missing(against.between.get().get(chunk), kept[chunk].between(), chunk)
                    : atEnd;
            (chunk < against.fittedChunks ? fitted : heldOut).add(chunk,
                    missing.moments(kept[chunk].inputs(), bias, against.residual));
            inputs[chunk] = against.states.put(kept[chunk].inputs());
            if (projection.get() == Part.DOWN) {
                between[chunk] = against.states.put(kept[chunk].between());
            }
        }
    }

    /** What came out; call it when all chunks are through. */
    Trial trial() {
        int first = against.fittedChunks;
        int end = against.chunks.size();
        double unseen = Arrays.stream(totals, first, end).sum();
        double[] errors = Arrays.copyOfRange(squares, first, end);
        boolean second = projection.equals(Optional.of(Part.DOWN));
        return new Trial(after(), errors, unseen, projection,
                projection.isPresent() ? Arrays.asList(inputs) : List.of(),
                second ? Arrays.asList(between) : List.of(), fitted.total(), heldOut.total());
    }

    /** Forgets the sums of a layer that was not run to its end. */
    @Override
    public void close() {
        fitted.close();
        heldOut.close();
    }
}
