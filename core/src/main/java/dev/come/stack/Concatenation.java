package dev.come.stack;

import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * CoMe's concatenation of layers: rows and columns of the kept heads and channels, source after source. Norms of the
 * residual stream are averaged or folded, and what else belongs to no head or channel is summed by ratio. The layer
 * attends like its first source.
 */
final class Concatenation {
    private final ModelConfig config;
    private final List<Share> shares;
    private final QueryHeads queryHeads;
    private final boolean folds;
    private final Sources sources;

    /** Makes a part of a source, before the last rounding. */
    interface Sources {
        Tensor part(LayerNode source, Part part);
    }

    Concatenation(ModelConfig config, Concatenated node, Sources sources) {
        this.config = config;
        this.shares = node.shares();
        this.queryHeads = node.queryHeads();
        this.folds = node.mergeNorms() == MergeNorms.FOLD && !config.normsAfter();
        this.sources = sources;
    }

    /** A part of the concatenated layer, before the last rounding. */
    Tensor of(Part part) {
        if (folds && FoldedNorm.isWeight(config, part)) {
            return folded(part).weight();
        }
        if (folds && part.isBias() && FoldedNorm.isWeight(config, part.biased())
                && FoldedNorm.takesBias(config, part.biased())) {
            return mergedBias(part);
        }
        return switch (part.axis()) {
            case QUERY_ROWS -> rows(part, this::queryChannels);
            case QUERY_HEADS -> select(part, 0, share -> queryHeads(share).toArray());
            case KEY_VALUE_ROWS -> rows(part, this::keyValueChannels);
            case QUERY_COLUMNS -> select(part, 1, this::queryChannels);
            case CHANNEL_ROWS -> rows(part, share -> toLongs(share.channels()));
            case CHANNEL_COLUMNS -> select(part, 1, share -> toLongs(share.channels()));
            case BY_RATIO -> WeightedSums.of(parts(part), shares.stream().map(Share::ratio).toList());
            case AVERAGED -> WeightedSums.of(parts(part), Collections.nCopies(shares.size(), 1.0 / shares.size()));
        };
    }

    private List<Tensor> parts(Part part) {
        return shares.stream().map(share -> sources.part(share.source(), part)).toList();
    }

    private interface Selection {
        long[] of(Share share);
    }

    private Tensor select(Part part, int dimension, Selection selection) {
        TensorVector pieces = new TensorVector();
        for (Share share : shares) {
            pieces.push_back(select(share, part, dimension, selection));
        }
        return torch.cat(pieces, dimension);
    }

    private Tensor select(Share share, Part part, int dimension, Selection selection) {
        return torch.index_select(sources.part(share.source(), part), dimension, torch.tensor(selection.of(share)));
    }

    /** Rows of all sources. Those of a projection that reads a folded norm give with it what they gave with their own. */
    private Tensor rows(Part part, Selection selection) {
        Part projection = part.isBias() ? part.biased() : part;
        Optional<Part> norm = config.normBefore(projection).filter(before -> folds
                && (!part.isBias() || FoldedNorm.takesBias(config, before)));
        if (norm.isEmpty()) {
            return select(part, 0, selection);
        }
        FoldedNorm folded = folded(norm.get());
        TensorVector pieces = new TensorVector();
        for (int i = 0; i < shares.size(); i++) {
            Share share = shares.get(i);
            Tensor own = select(share, part, 0, selection);
            pieces.push_back(part.isBias()
                    ? folded.biases(i, own, select(share, projection, 0, selection),
                            sources.part(share.source(), norm.get().bias()), mergedBias(norm.get().bias()))
                    : folded.rows(i, own));
        }
        return torch.cat(pieces, 0);
    }

    /** The norm before one half of the layer, or before both where they share it. */
    private FoldedNorm folded(Part norm) {
        boolean beforeAttention = !norm.isFeedForward();
        boolean beforeFeedForward = norm == config.feedForwardNorm();
        List<Boolean> used = shares.stream().map(share -> (beforeAttention && !share.keyValueHeads().isEmpty())
                || (beforeFeedForward && !share.channels().isEmpty())).toList();
        return new FoldedNorm(config.norm(), parts(norm), used, FoldedNorm.largest(shares));
    }

    /** The bias of the norm that is kept. */
    private Tensor mergedBias(Part bias) {
        return sources.part(shares.get(FoldedNorm.largest(shares)).source(), bias);
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
        return queryHeads(share).flatMap(head -> IntStream.range(0, dim).mapToLong(c -> head * dim + c)).toArray();
    }

    private LongStream queryHeads(Share share) {
        int group = config.groupSize();
        IntStream heads = switch (queryHeads) {
            case GROUPED -> share.keyValueHeads().stream()
                    .flatMapToInt(head -> IntStream.range(head * group, (head + 1) * group));
            case TILED -> IntStream.range(0, group).flatMap(
                    repeat -> share.keyValueHeads().stream().mapToInt(head -> repeat * config.keyValueHeads() + head));
        };
        return heads.asLongStream();
    }

    private static long[] toLongs(List<Integer> indices) {
        return indices.stream().mapToLong(Integer::longValue).toArray();
    }
}
