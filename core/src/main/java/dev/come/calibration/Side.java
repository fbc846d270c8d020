package dev.come.calibration;

import dev.come.model.Part;
import dev.come.run.NeedsLayers;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How a pruned stack goes beside what its layers are fitted to.
 *
 * @param target what they are fitted to
 * @param fitted how many of the chunks fits see; they come first
 * @param chunks how many chunks take part; the calibration's first ones
 */
public record Side(Target target, int fitted, int chunks) implements Serializable {
    /** What the layers are fitted to. */
    sealed interface Target extends Serializable {
    }

    /** The dense model, which goes along from the first layer to the last. */
    record DenseRuns() implements Target {}

    /**
     * The dense model, for one layer of a stack.
     *
     * @param before the layers before it
     */
    record DenseIsKnown(LayerStack before) implements Target {}

    /**
     * The sources of a concatenated layer.
     *
     * @param before the layers before it
     */
    record Sources(LayerStack before, Concatenated merged, Calibration.Together how) implements Target, NeedsLayers {
        @Override
        public Stream<LayerNode> layers() {
            return Stream.of(merged);
        }
    }

    /**
     * Where both are.
     *
     * @param common how many layers of the dense model both have gone through first
     * @param behind the layers of the stack that it has gone through since
     */
    public record Place(Side side, int common, List<LayerNode> behind) implements Serializable, NeedsLayers {
        public Place {
            behind = List.copyOf(behind);
        }

        @Override
        public Stream<LayerNode> layers() {
            return behind.stream();
        }
    }

    /**
     * The next layer of the stack.
     *
     * @param asked the projection whose moments are wanted
     */
    public record Layer(LayerNode node, @Nullable Part asked) implements Serializable, NeedsLayers {
        @Override
        public Stream<LayerNode> layers() {
            return Stream.of(node);
        }

        Layer(LayerNode node, Optional<Part> projection) {
            this(node, projection.orElse(null));
        }

        Optional<Part> projection() {
            return Optional.ofNullable(asked);
        }
    }
}
