package dev.come.model;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Causal attention of one sequence in blocks of queries: a block meets only the keys up to its own end, so nearly half of
 * the score matrix is never computed, and the scores of a block stay in the cache of the processor. The query heads of a
 * key-value head share its keys, so they go through one product.
 */
final class CausalAttention implements AutoCloseable {
    /** Rows of scores (queries x heads of a group) that keep a product busy and its result in the cache. */
    private static final int SCORE_ROWS = 1024;
    private static final int LARGEST_BLOCK = 256;
    private static final int SMALLEST_BLOCK = 32;

    private final int block;
    private final int group;
    private final int headDim;
    private final Tensor future;

    CausalAttention(ModelConfig config, Compute compute) {
        group = config.groupSize();
        headDim = config.headDim();
        block = Math.clamp(SCORE_ROWS / group, SMALLEST_BLOCK, LARGEST_BLOCK);
        try (var _ = new PointerScope()) {
            Tensor infinity = torch.empty(new long[]{block, block}, compute.options(ScalarType.Float),
                    new MemoryFormatOptional()).fill_(new Scalar(Float.NEGATIVE_INFINITY));
            future = infinity.triu(1).view(block, 1, block);
            future.retainReference();
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
        long heads = queries.size(0);
        long tokens = queries.size(1);
        long past = keys.size(1) - tokens;
        for (long head = 0; head < heads; head++) {
            for (long start = 0; start < tokens; start += block) {
                try (var _ = new PointerScope()) {
                    long rows = Math.min(block, tokens - start);
                    long seen = past + start + rows;
                    Tensor query = queries.select(0, head).narrow(0, start, rows).view(rows * group, headDim);
                    Tensor key = keys.select(0, head).narrow(0, 0, seen);
                    Tensor value = values.select(0, head).narrow(0, 0, seen);
                    Tensor scores = workspace.floats("scores", rows * group, seen);
                    torch.mm_out(scores, query, key.t());
                    scores.view(rows, group, seen).narrow(2, seen - rows, rows)
                            .add_(future.narrow(0, 0, rows).narrow(2, 0, rows));
                    torch.softmax_out(scores, scores, 1);
                    Tensor mixed = workspace.floats("mixed", rows * group, headDim);
                    torch.mm_out(mixed, scores, value);
                    output.narrow(0, start, rows).select(1, head).copy_(mixed.view(rows, group, headDim));
                }
            }
        }
    }

    @Override
    public void close() {
        future.releaseReference();
    }
}
