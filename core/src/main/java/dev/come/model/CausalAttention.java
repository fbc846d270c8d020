package dev.come.model;

import dev.come.memory.Retained;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Causal attention of one sequence in blocks of queries. A block meets only the keys up to its own end, so nearly half
 * of the score matrix is never computed, and the scores of a block stay in the cache of the processor. The query heads
 * of a key-value head share its keys, so they go through one product.
 */
final class CausalAttention implements AutoCloseable {
    /** Rows of scores (queries x heads of a group) that keep a product busy and its result in the cache. */
    private static final int SCORE_ROWS = 1024;
    private static final int LARGEST_BLOCK = 256;
    private static final int SMALLEST_BLOCK = 32;
    /** Channels more for the anchor; products of bfloat16 take numbers in pairs. */
    private static final int PADDING = 2;
    /** Scores of all heads of a sequence that stay in the cache together. */
    private static final long SCORES_AT_ONCE = 1 << 19;

    private final int block;
    private final int group;
    private final int headDim;
    private final int window;
    private final Multipliers multipliers;
    private final ScalarType type;
    private final Compute compute;
    private final Retained<Tensor> future;
    private final Retained<Tensor> gone;
    private final Retained<Tensor> wideFuture;
    private final @Nullable Retained<Tensor> sinks;

    /**
     * Makes the masks.
     *
     * @param window how many tokens a token sees, itself included
     * @param sinks {@code (heads)}, float32: one more score of every token, in families that have it
     */
    CausalAttention(ModelConfig config, int window, @Nullable Tensor sinks, Compute compute) {
        group = config.groupSize();
        headDim = config.headDim();
        this.window = window;
        this.compute = compute;
        multipliers = config.multipliers();
        // A cap is not linear: no anchor can be taken off the scores before it, and without one bfloat16 is too coarse.
        // A sink is compared with the scores themselves.
        type = multipliers.capsAttention() || sinks != null ? ScalarType.Float : compute.scalarType();
        block = Math.clamp(SCORE_ROWS / group, SMALLEST_BLOCK, LARGEST_BLOCK);
        try (var _ = new PointerScope()) {
            Tensor infinity = torch.empty(new long[]{block, block}, compute.options(type), new MemoryFormatOptional())
                    .fill_(new Scalar(Float.NEGATIVE_INFINITY));
            Tensor above = infinity.triu(1).view(block, 1, block);
            Tensor below = infinity.tril(-1).view(block, 1, block);
            Tensor wide = above.to(ScalarType.Float);
            future = Retained.of(above); // once there is room for all
            gone = Retained.of(below);
            wideFuture = Retained.of(wide);
            this.sinks = sinks == null ? null : Retained.of(sinks.view(config.keyValueHeads(), group));
        }
    }

    /**
     * Attends.
     *
     * @param queries {@code (keyValueHeads, tokens, group, headDim)}, rotated and scaled, float32, contiguous
     * @param keys {@code (keyValueHeads, past + tokens, headDim)}, rotated, float32
     * @param values like the keys
     * @param output {@code (tokens, keyValueHeads, group, headDim)}, any type, written
     */
    void attend(Tensor queries, Tensor keys, Tensor values, Tensor output, Workspace workspace) {
        long seen = keys.size(1);
        if (!compute.onProcessor() && !multipliers.capsAttention() && sinks == null) {
            attendOnDevice(queries, keys, values, output);
        } else if (queries.size(1) <= block && seen <= window
                && queries.size(0) * queries.size(1) * group * seen <= SCORES_AT_ONCE) {
            attendAtOnce(queries, keys, values, output, workspace);
        } else if (type == ScalarType.Float) {
            attendInBlocks(queries, keys, values, output, workspace);
        } else {
            attendWithAnchors(queries, keys, values, output, workspace);
        }
    }

    /** All heads together by the engine's own attention, which never makes the whole matrix of scores. */
    private void attendOnDevice(Tensor queries, Tensor keys, Tensor values, Tensor output) {
        long heads = queries.size(0);
        long tokens = queries.size(1);
        long past = keys.size(1) - tokens;
        Tensor byHead = queries.transpose(1, 2).reshape(1, heads * group, tokens, headDim).to(type);
        boolean allSeen = past == 0 && keys.size(1) <= window;
        Tensor mixed = torch.scaled_dot_product_attention(byHead, keys.unsqueeze(0).to(type),
                values.unsqueeze(0).to(type),
                allSeen ? new TensorOptional() : new TensorOptional(visible(tokens, past)), 0, allSeen,
                new DoubleOptional(1.0), group > 1);
        output.copy_(mixed.view(heads, group, tokens, headDim).permute(2, 0, 1, 3));
    }

    /** Which keys each token sees, {@code (tokens, past + tokens)}: those up to its own, as far back as the window reaches. */
    private Tensor visible(long tokens, long past) {
        return torch.empty(new long[]{tokens, past + tokens}, compute.options(ScalarType.Bool),
                new MemoryFormatOptional()).fill_(new Scalar(1)).tril_(past).triu_(past + 1 - window);
    }

    /**
     * Attends with all heads of a short sequence together, always in float32. Products so small cost more to call than
     * to do, most of all in bfloat16, where the engine plans anew for every shape.
     */
    private void attendAtOnce(Tensor queries, Tensor keys, Tensor values, Tensor output, Workspace workspace) {
        long heads = queries.size(0);
        long tokens = queries.size(1);
        long seen = keys.size(1);
        Tensor scores = workspace.floats("scoresAtOnce", heads, tokens * group, seen);
        torch.bmm_out(scores, queries.view(heads, tokens * group, headDim), keys.transpose(1, 2));
        multipliers.cappedScores(scores);
        if (tokens > 1) {
            scores.view(heads, tokens, group, seen).narrow(3, seen - tokens, tokens)
                    .add_(wideFuture.borrow().narrow(0, 0, tokens).narrow(2, 0, tokens));
        }
        Tensor share = shareOfTokens(scores.view(heads, tokens, group, seen), sinks(heads, 1, group));
        torch.softmax_out(scores, scores, 2);
        Tensor mixed = workspace.floats("mixedAtOnce", heads, tokens * group, headDim);
        torch.bmm_out(mixed, scores, values);
        if (share != null) {
            mixed.view(heads, tokens, group, headDim).mul_(share);
        }
        output.copy_(mixed.view(heads, tokens, group, headDim).transpose(0, 1));
    }

    /**
     * Attends with the last token of each of several sequences; everything is float32.
     *
     * @param queries {@code (keyValueHeads, sequences, group, headDim)}, rotated and scaled
     * @param keys {@code (sequences, keyValueHeads, tokens, headDim)}, rotated; tokens of the longest sequence
     * @param values like the keys; where a sequence is shorter, numbers all the same
     * @param layout tells how long each is
     * @param output {@code (sequences, keyValueHeads, group, headDim)}, any type, written
     */
    void attendToLast(Tensor queries, Tensor keys, Tensor values, TokenLayout layout, Tensor output) {
        try (var _ = new PointerScope()) {
            boolean level = layout.beginLevel();
            long tokens = keys.size(2);
            long seen = level ? Math.min(tokens, window) : tokens;
            Optional<Tensor> mask = level ? Optional.empty() : Optional.of(unseenByLast(layout, tokens));
            Tensor bySequence = queries.transpose(0, 1);
            Tensor seenKeys = keys.narrow(2, tokens - seen, seen);
            Tensor seenValues = values.narrow(2, tokens - seen, seen);
            if (!multipliers.capsAttention() && sinks == null) {
                // The engine's own in one call, which all threads share; queries are scaled already.
                output.copy_(torch.scaled_dot_product_attention(bySequence, seenKeys, seenValues,
                        mask.map(TensorOptional::new).orElseGet(TensorOptional::new), 0, false,
                        new DoubleOptional(1.0), false));
                return;
            }
            Tensor scores = multipliers.cappedScores(bySequence.matmul(seenKeys.transpose(2, 3)));
            mask.ifPresent(scores::add_);
            Tensor share = shareOfTokens(scores, sinks(1, queries.size(0), group));
            Tensor mixed = torch.softmax(scores, 3).matmul(seenValues);
            output.copy_(share == null ? mixed : mixed.mul_(share));
        }
    }

    /** The sinks as a view of that shape, or null. */
    private @Nullable Tensor sinks(long... shape) {
        return sinks == null ? null : sinks.borrow().view(shape);
    }

    /**
     * How much of attention is left for the tokens beside the sinks: what softmax over scores and sink gives all scores together.
     *
     * @param scores {@code (..., seen)} before softmax
     * @param sinks broadcast to all dimensions of the scores but the last, or null
     * @return {@code (..., 1)}, or null if there are no sinks
     */
    private static @Nullable Tensor shareOfTokens(Tensor scores, @Nullable Tensor sinks) {
        return sinks == null
                ? null
                : scores.logsumexp(new long[]{-1}, false).sub_(sinks).sigmoid_().unsqueeze(-1);
    }

    /** Minus infinity where a token is not one of a sequence or before its window, {@code (sequences, 1, 1, tokens)}. */
    private Tensor unseenByLast(TokenLayout layout, long tokens) {
        int sequences = layout.lengths().length;
        Tensor last = torch.tensor(layout.firstPositions()).to(compute.torchDevice(), ScalarType.Long)
                .view(sequences, 1);
        Tensor positions = torch.arange(new Scalar(tokens), compute.options(ScalarType.Long)).view(1, tokens);
        Tensor unseen = positions.gt(last).logical_or_(positions.le(last.sub(new Scalar((long) window))));
        return torch.zeros(new long[]{sequences, tokens}, compute.options(ScalarType.Float))
                .masked_fill_(unseen, new Scalar(Float.NEGATIVE_INFINITY)).view(sequences, 1, 1, tokens);
    }

    /** In bfloat16: queries with anchors, keys with ones. */
    private void attendWithAnchors(Tensor queries, Tensor keys, Tensor values, Tensor output, Workspace workspace) {
        long heads = queries.size(0);
        long tokens = queries.size(1);
        long seen = keys.size(1);
        int width = headDim + PADDING;
        Tensor anchored = workspace.tensor("anchoredQueries", type, heads, tokens, group, width);
        Tensor withOnes = workspace.tensor("keysWithOnes", type, heads, seen, width);
        Tensor narrowValues = workspace.tensor("narrowValues", type, heads, seen, headDim);
        workspace.share(Math.toIntExact(heads), (head, buffers) -> {
            anchor(queries.select(0, head), keys.select(0, head), anchored.select(0, head), buffers);
            Tensor ofHead = withOnes.select(0, head);
            ofHead.narrow(1, 0, headDim).copy_(keys.select(0, head));
            ofHead.narrow(1, headDim, PADDING).fill_(new Scalar(1));
            narrowValues.select(0, head).copy_(values.select(0, head));
        });
        attendInBlocks(anchored, withOnes, narrowValues, output, workspace);
    }

    /**
     * Gives queries one more channel, which meets the extra channels behind the keys. It takes an anchor off all scores
     * of the query, the larger of its scores with the first token, as long as all see that, and with its own. Softmax
     * does not see it, but scores near the largest become small numbers, which bfloat16 rounds by little. Where the
     * largest score is neither of the two, rounding is that of plain bfloat16 attention; never worse.
     *
     * @param queries of one key-value head, {@code (tokens, group, headDim)}
     * @param keys {@code (past + tokens, headDim)}
     * @param result {@code (tokens, group, headDim + padding)}, written
     */
    private void anchor(Tensor queries, Tensor keys, Tensor result, Workspace workspace) {
        long tokens = queries.size(0);
        Tensor own = keys.narrow(0, keys.size(0) - tokens, tokens).unsqueeze(1);
        Tensor products = workspace.floats("anchorProducts", tokens, group, headDim);
        Tensor anchors = torch.mul_out(products, queries, own).sum(2);
        if (keys.size(0) <= window) {
            anchors = torch.maximum(anchors, torch.mul_out(products, queries, keys.select(0, 0)).sum(2));
        }
        result.narrow(2, 0, headDim).copy_(queries);
        result.select(2, headDim).copy_(anchors.neg_());
        result.narrow(2, headDim + 1, PADDING - 1).zero_();
    }

    private void attendInBlocks(Tensor queries, Tensor keys, Tensor values, Tensor output, Workspace workspace) {
        int blocks = Math.toIntExact(Math.ceilDiv(queries.size(1), block));
        workspace.share(Math.toIntExact(queries.size(0)) * blocks, (piece, buffers) -> {
            // The last queries first: they see most keys, so nobody waits long for whoever comes last.
            long start = (blocks - 1L - piece % blocks) * block;
            int head = piece / blocks;
            attend(queries.select(0, head), keys.select(0, head), values.select(0, head), start,
                    output.select(1, head), sinks == null ? null : sinks.borrow().select(0, head), buffers);
        });
    }

    /**
     * A block of queries of one key-value head.
     *
     * @param queries {@code (tokens, group, headDim + padding)}
     * @param keys {@code (past + tokens, headDim + padding)}
     * @param values {@code (past + tokens, headDim)}
     * @param start the first query of the block
     * @param output {@code (tokens, group, headDim)}
     * @param sinksOfHead {@code (group)}, or null
     */
    private void attend(Tensor queries, Tensor keys, Tensor values, long start, Tensor output,
            @Nullable Tensor sinksOfHead, Workspace workspace) {
        long tokens = queries.size(0);
        long past = keys.size(0) - tokens;
        long rows = Math.min(block, tokens - start);
        long end = past + start + rows;
        // The first query of the block sees from here on, each further one from one later; may lie before all.
        long bound = past + start + 1 - window;
        long first = Math.max(0, bound);
        long seen = end - first;
        Tensor query = queries.narrow(0, start, rows).view(rows * group, queries.size(2));
        Tensor scores = workspace.tensor("scores", type, rows * group, seen);
        torch.mm_out(scores, query, keys.narrow(0, first, seen).t());
        multipliers.cappedScores(scores);
        Tensor byRow = scores.view(rows, group, seen);
        byRow.narrow(2, seen - rows, rows).add_(future.borrow().narrow(0, 0, rows).narrow(2, 0, rows));
        long skipped = first - bound;
        if (skipped < rows) {
            long columns = Math.min(rows - skipped, seen);
            byRow.narrow(2, 0, columns).add_(gone.borrow().narrow(0, 0, rows).narrow(2, skipped, columns));
        }
        Tensor share = shareOfTokens(byRow, sinksOfHead);
        torch.softmax_out(scores, scores, 1);
        Tensor mixed = workspace.tensor("mixed", type, rows * group, headDim);
        torch.mm_out(mixed, scores, values.narrow(0, first, seen));
        if (share != null) {
            mixed.view(rows, group, headDim).mul_(share);
        }
        output.narrow(0, start, rows).copy_(mixed.view(rows, group, headDim));
    }

    @Override
    public void close() {
        future.close();
        gone.close();
        wideFuture.close();
        if (sinks != null) {
            sinks.close();
        }
    }
}
