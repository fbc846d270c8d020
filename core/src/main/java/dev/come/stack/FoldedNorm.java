package dev.come.stack;

import dev.come.model.ModelConfig;
import dev.come.model.Norm;
import dev.come.model.Part;
import dev.come.stack.LayerNode.Share;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The norm before one half of a concatenated layer. It is that of one source; the rows of the others are scaled by what
 * their own norm has more of, and so give what they gave before. Tensors are those of the current PointerScope.
 */
final class FoldedNorm {
    /** A weight below this part of another source's is no divisor: the rows could not be stored in float16. */
    private static final double TINY = 0x1p-10;

    private final int kept;
    /** The norm of the source that is kept as it is stored, but for the channels that are replaced. */
    private final Tensor weight;
    /** By how much the norm of the merged layer scales each channel, and where that is no source's weight but one. */
    private final Tensor scale;
    private final boolean replaces;
    private final List<Tensor> scales;

    /**
     * Makes one.
     *
     * @param weights of each source, {@code (hidden)}, before the last rounding
     * @param used whether a source gives rows to this half
     * @param kept the source whose norm is kept
     */
    FoldedNorm(Norm norm, List<Tensor> weights, List<Boolean> used, int kept) {
        this.kept = kept;
        this.scales = weights.stream().map(stored -> norm.scale(stored, ScalarType.Double)).toList();
        Tensor own = scales.get(kept);
        Tensor tiny = own.ne(own); // nowhere
        for (int i = 0; i < weights.size(); i++) {
            if (used.get(i)) {
                tiny = tiny.logical_or(own.abs().lt(scales.get(i).abs().mul(new Scalar(TINY))));
            }
        }
        this.replaces = tiny.any().item_bool();
        this.scale = own.masked_fill(tiny, new Scalar(1.0));
        this.weight = replaces
                ? weights.get(kept).masked_fill(tiny, new Scalar(norm.one()))
                : weights.get(kept);
    }

    /** Whether this is the weight of a norm before a half of a layer. */
    static boolean isWeight(ModelConfig config, Part part) {
        return readers(config, part).findAny().isPresent();
    }

    /** Whether the bias of such a norm can go into biases: whether all projections that read it have one. */
    static boolean takesBias(ModelConfig config, Part norm) {
        return config.parts().contains(norm.bias())
                && readers(config, norm).allMatch(part -> config.parts().contains(part.bias()));
    }

    private static Stream<Part> readers(ModelConfig config, Part norm) {
        return config.parts().stream().filter(part -> config.normBefore(part).filter(norm::equals).isPresent());
    }

    /** The source whose norm is kept: that with the largest share, the first on ties. */
    static int largest(List<Share> shares) {
        return IntStream.range(0, shares.size()).boxed()
                .reduce((one, other) -> shares.get(other).ratio() > shares.get(one).ratio() ? other : one)
                .orElseThrow();
    }

    /** The weight of the merged layer's norm. */
    Tensor weight() {
        return weight;
    }

    /** Rows of a source's projection, as they read the merged norm; those of the kept norm are the same to the bit. */
    Tensor rows(int source, Tensor rows) {
        return isUnchanged(source) ? rows : rows.to(ScalarType.Double).mul(factor(source));
    }

    /**
     * The biases of such rows. They take over the bias of the source's norm, as far as the merged norm does not bring it.
     *
     * @param rows as the source has them
     * @param ofSource the bias of the source's norm
     * @param ofMerged that of the merged norm
     */
    Tensor biases(int source, Tensor biases, Tensor rows, Tensor ofSource, Tensor ofMerged) {
        if (isUnchanged(source)) {
            return biases;
        }
        Tensor missing = ofSource.to(ScalarType.Double).sub(ofMerged.to(ScalarType.Double).mul(factor(source)));
        return biases.to(ScalarType.Double).add(rows.to(ScalarType.Double).mv(missing));
    }

    private boolean isUnchanged(int source) {
        return source == kept && !replaces;
    }

    /** What a source's norm has more of than the merged one. Where both are zero nothing is to be made up for. */
    private Tensor factor(int source) {
        return scales.get(source).div(scale).masked_fill(scale.eq(new Scalar(0.0)), new Scalar(1.0));
    }
}
