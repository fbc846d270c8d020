package dev.come.stack;

import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * CoMe's concatenation of layers: rows and columns of the kept heads and channels, source after source. Norms of the
 * residual stream are averaged, and what else belongs to no head or channel is summed by ratio. The layer attends like
 * its first source.
 */
final class Concatenation {
    private final ModelConfig config;
    private final List<Share> shares;
    private final QueryHeads queryHeads;

    Concatenation(ModelConfig config, Concatenated node) {
        this.config = config;
        this.shares = node.shares();
        this.queryHeads = node.queryHeads();
    }

    /**
     * A part of the concatenated layer.
     *
     * @param tensors that part of each source
     */
    Tensor of(Part part, List<Tensor> tensors) {
        return switch (part.axis()) {
            case QUERY_ROWS -> select(tensors, 0, this::queryChannels);
            case KEY_VALUE_ROWS -> select(tensors, 0, this::keyValueChannels);
            case QUERY_COLUMNS -> select(tensors, 1, this::queryChannels);
            case CHANNEL_ROWS -> select(tensors, 0, share -> toLongs(share.channels()));
            case CHANNEL_COLUMNS -> select(tensors, 1, share -> toLongs(share.channels()));
            case BY_RATIO -> WeightedSums.of(tensors, shares.stream().map(Share::ratio).toList());
            case AVERAGED -> WeightedSums.of(tensors, Collections.nCopies(shares.size(), 1.0 / shares.size()));
        };
    }

    private interface Selection {
        long[] of(Share share);
    }

    private Tensor select(List<Tensor> tensors, int dimension, Selection selection) {
        TensorVector pieces = new TensorVector();
        for (int i = 0; i < tensors.size(); i++) {
            pieces.push_back(
                    torch.index_select(tensors.get(i), dimension, torch.tensor(selection.of(shares.get(i)))));
        }
        return torch.cat(pieces, dimension);
    }

    private long[] keyValueChannels(Share share) {
        int dim = config.headDim();
        return share.keyValueHeads().stream()
                .flatMapToLong(head -> IntStream.range(0, dim).mapToLong(c -> (long) head * dim + c))
                .toArray();
    }

    /** Under grouped queries, key-value head g serves the query heads g * group to g * group + group - 1. */
    private long[] queryChannels(Share share) {
        int dim = config.headDim();
        int group = config.groupSize();
        IntStream heads = switch (queryHeads) {
            case GROUPED -> share.keyValueHeads().stream()
                    .flatMapToInt(head -> IntStream.range(head * group, (head + 1) * group));
            case TILED -> IntStream.range(0, group).flatMap(
                    repeat -> share.keyValueHeads().stream().mapToInt(head -> repeat * config.keyValueHeads() + head));
        };
        return heads.asLongStream().flatMap(head -> IntStream.range(0, dim).mapToLong(c -> head * dim + c)).toArray();
    }

    private static long[] toLongs(List<Integer> indices) {
        return indices.stream().mapToLong(Integer::longValue).toArray();
    }
}
