package dev.come.calibration;

import dev.come.calibration.Calibration.Seam;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What is missing behind an edit of adjacent layers, and what is left to write it. Rows are tokens, divided by the length of
 * the state after them.
 *
 * @param x {@code (tokens, channels)}, float32: what the heads and channels that are left hand to the output projections
 * @param missing {@code (tokens, hidden)}, float32: what these layers add, less what is left of it with the weights as they are
 */
record Repair(Tensor x, Tensor missing) {
    /**
     * Of an edit. Tensors are those of the current PointerScope.
     *
     * @param second what the layer after the first writes from, if both are merged
     * @param update what these layers add
     */
    static Repair of(Seam seam, LayerStack stack, Writes first, @Nullable Writes second, Missing update,
            LayerStore store) {
        ModelConfig config = store.config();
        Tensor factors = update.scale().mul(new Scalar(config.multipliers().residual()));
        Tensor heads;
        Tensor channels;
        LayerWeights left;
        if (seam.merged().isPresent()) {
            Concatenated merged = seam.merged().get();
            Writes other = Objects.requireNonNull(second);
            List<Share> shares = merged.shares();
            int width = config.groupSize() * config.headDim();
            heads = both(chosen(first.heads().borrow(), shares.get(0).keyValueHeads(), width),
                    chosen(other.heads().borrow(), shares.get(1).keyValueHeads(), width));
            channels = both(chosen(first.channels().borrow(), shares.get(0).channels(), 1),
                    chosen(other.channels().borrow(), shares.get(1).channels(), 1));
            left = store.materialise(merged);
        } else {
            heads = first.heads().borrow();
            channels = first.channels().borrow();
            left = store.materialise(stack.get(seam.position()));
        }
        Tensor x = both(heads, channels).mul(factors);
        if (normsWhatIsWritten(config)) {
            return new Repair(x, update.rows()); // what is left of it is not linear in these
        }
        Tensor given = heads.mm(wide(left, Part.OUTPUT, heads).t())
                .add_(channels.mm(wide(left, Part.DOWN, channels).t()));
        for (Part bias : List.of(Part.OUTPUT_BIAS, Part.DOWN_BIAS)) {
            if (left.asMap().containsKey(bias)) {
                given.add_(wide(left, bias, heads));
            }
        }
        return new Repair(x, update.rows().sub(given.mul_(factors)));
    }

    private static boolean normsWhatIsWritten(ModelConfig config) {
        return config.normsAfter() || Stream.of(Part.ATTENTION_OUTPUT_NORM, Part.FEED_FORWARD_OUTPUT_NORM)
                .anyMatch(config.parts()::contains);
    }

    private static Tensor wide(LayerWeights weights, Part part, Tensor like) {
        return weights.get(part).to(like.device(), ScalarType.Float);
    }

    private static Tensor both(Tensor left, Tensor right) {
        return torch.cat(new TensorVector(left, right), 1);
    }

    /** The columns of groups of so many. */
    private static Tensor chosen(Tensor all, List<Integer> groups, int width) {
        long[] columns = groups.stream()
                .flatMapToInt(group -> IntStream.range(group * width, (group + 1) * width)).asLongStream().toArray();
        return all.index_select(1, torch.tensor(columns).to(all.device(), ScalarType.Long));
    }
}
