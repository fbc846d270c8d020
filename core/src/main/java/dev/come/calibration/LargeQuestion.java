package dev.come.calibration;

import dev.come.calibration.Calibration.GradientOrder;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.run.NeedsLayers;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a shard can be asked where answers are as large as a layer. They are sums over the tokens of the shard, which are added up in
 * the order of the shards. As with {@link Question}, a shard that was made anew gives the same.
 *
 * @param <A> what is said besides the sums
 * @param <S> the sums
 */
public sealed interface LargeQuestion<A extends Serializable, S extends LargeSums> extends Serializable {
    /** Lets a shard answer. */
    Answer<A, S> answer(Shard shard);

    /**
     * Sums of nothing, to which those of shards are added.
     *
     * @param first what a shard said
     */
    S nothing(LayerStore store, A first);

    /** About how many bytes the sums have. */
    long bytes(LayerStore store);

    /**
     * What a shard answers.
     *
     * @param said small, and serialisable
     * @param sums closed by whoever takes the answer
     */
    record Answer<A extends Serializable, S extends LargeSums>(A said, S sums) {}

    /**
     * What all shards answer together.
     *
     * @param said by each, in their order
     * @param sums of all; closed by whoever asked
     */
    record Total<A extends Serializable, S extends LargeSums>(List<A> said, S sums) {}

    /**
     * The second moments of what goes into the projections of layers that run side by side.
     *
     * @param before the layers before them
     * @param merged their concatenation
     */
    record Beside(LayerStack before, Concatenated merged)
            implements
                LargeQuestion<MomentSums.Shape, MomentSums>,
                NeedsLayers {
        @Override
        public Stream<LayerNode> layers() {
            return Stream.of(merged);
        }

        @Override
        public Answer<MomentSums.Shape, MomentSums> answer(Shard shard) {
            MomentSums sums = shard.beside(before, merged);
            return new Answer<>(MomentSums.Shape.of(sums.moments()), sums);
        }

        @Override
        public MomentSums nothing(LayerStore store, MomentSums.Shape first) {
            return first.nothing();
        }

        @Override
        public long bytes(LayerStore store) {
            return LeverageCost.sumBytes(store.config(), Math.toIntExact(merged.sources().count()));
        }
    }

    /**
     * The next layer of a stack, run against what it is fitted to.
     *
     * @param dense how many layers the dense model has behind it then
     * @param from the layer as it was run before, if only the projection after those inputs is another now
     */
    record Run(Side.Place place, int dense, Side.Layer layer, Side.@Nullable Layer from)
            implements
                LargeQuestion<Run.Found, MomentSums> {
        /**
         * What is said besides the moments.
         *
         * @param squares the error on tokens that fits do not see, by chunk
         * @param shape of the moments; of nothing without a projection
         */
        @SuppressWarnings("ArrayRecordComponent") // nobody compares answers
        record Found(double[] squares, MomentSums.Shape shape) implements Serializable {}

        @Override
        public Answer<Found, MomentSums> answer(Shard shard) {
            Trial trial = shard.sides().run(this);
            MomentSums sums = trial.takeMoments();
            return new Answer<>(new Found(trial.heldOutSquares(), MomentSums.Shape.of(sums.moments())), sums);
        }

        @Override
        public MomentSums nothing(LayerStore store, Found first) {
            return first.shape.nothing();
        }

        @Override
        public long bytes(LayerStore store) {
            ModelConfig config = store.config();
            long channels = layer.projection().map(part -> part == Part.OUTPUT
                    ? (long) config.heads() * config.headDim()
                    : config.intermediateSize()).orElse(0L);
            return 2 * channels * (channels / 2 + config.hiddenSize()) * Double.BYTES;
        }
    }

    /**
     * The gradients of the loss for the weights of one layer.
     *
     * @param order {@link GradientOrder#NEVER_ZEROED} needs all tokens in one shard
     */
    record Gradients(LayerStack stack, int position, GradientOrder order)
            implements
                LargeQuestion<Gradients.Products, GradientSums> {
        /**
         * Sums of absolute values, in the order of the chunks.
         *
         * @param chunks by row, all parts of the layer one after the other
         */
        record Products(List<double[]> chunks) implements Serializable {
            public Products {
                chunks = List.copyOf(chunks);
            }
        }

        @Override
        public Answer<Products, GradientSums> answer(Shard shard) {
            GradientSums sums = shard.gradients().of(stack, position, order);
            return new Answer<>(sums.products(), sums);
        }

        @Override
        public GradientSums nothing(LayerStore store, Products first) {
            LayerNode node = stack.get(position);
            return GradientSums.nothing(store, node, order);
        }

        @Override
        public long bytes(LayerStore store) {
            return order == GradientOrder.SUM_FIRST ? store.config().layerParameters() * Float.BYTES : 0;
        }
    }
}
