package dev.come.model;

import dev.come.checkpoint.DType;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Losses from bfloat16 products, which round their results to eight bits. One more channel takes an anchor off all logits of a
 * token, so that those near the anchor are small numbers, which round by little. The first anchor is the target's logit, known
 * exactly: the loss is the logarithm of the sum of the exponentials of what is left. Where it is large, the largest logits are
 * far from the target's; these tokens go through once more, with an anchor near them.
 *
 * <p>{@link VocabularySlices} is the plain way. Safe for use by several threads.
 */
final class AnchoredLogits {
    private static final int SLICE = 8192;
    /** Channels more for the anchor; products of bfloat16 take numbers in pairs. */
    private static final int PADDING = 2;
    /** Nats from where on a logit is far from another. */
    private static final double FAR = 6;

    private final ScalarType type;
    private final long width;

    /** Logits of a head in the compute type. */
    AnchoredLogits(ModelConfig config, Compute compute) {
        this.type = compute.scalarType();
        this.width = (long) config.embeddingSize() + (config.family().names().headBias().isPresent() ? 1 : 0);
    }

    /** Whether losses need anchors and can have them: where logits are capped, nothing can be taken off before the cap. */
    static boolean areFor(ModelConfig config, Compute compute) {
        return compute.type() != DType.F32 && !config.multipliers().capsLogits();
    }

    /**
     * The losses, in nats; infinite where a logit lies too far above the target's for an exponential (88 nats).
     *
     * @param states {@code (tokens, embedding)}, as {@link LanguageModelHead#finalStates} gives them
     * @param targetRows the rows of the output projection of the targets, {@code (tokens, embedding)}, float32
     * @param projection the rows of the output projection of the tokens that may come next
     * @param greedy is filled with whether no logit is above the target's; or null. Only with all rows
     */
    double[] losses(Tensor states, int[] targets, Tensor targetRows, Rows projection, boolean @Nullable [] greedy,
            Workspace workspace) {
        long hidden = width;
        Tensor anchored = workspace.tensor("anchoredStates", type, targets.length, hidden + PADDING);
        anchored.zero_();
        anchored.narrow(1, 0, hidden).copy_(states);
        Tensor target = targetRows.mul(anchored.narrow(1, 0, hidden)).sum(1);
        TopLogits top = greedy == null ? null : new TopLogits(targets);
        Tensor losses = logSumAbove(anchored, target, projection, top, workspace);
        if (greedy != null && top != null) {
            System.arraycopy(top.greedy(), 0, greedy, 0, greedy.length);
        }
        Tensor far = losses.gt(new Scalar(FAR)).nonzero().squeeze(1);
        if (far.numel() > 0) {
            Tensor anchors = target.add(losses).index_select(0, far);
            Tensor again = logSumAbove(anchored.index_select(0, far), anchors, projection, null, workspace);
            losses.index_copy_(0, far, again.add(anchors).sub(target.index_select(0, far)));
        }
        return Tensors.doubles(losses);
    }

    /**
     * log sum exp of the logits, less the anchors.
     *
     * @param states {@code (tokens, embedding + padding)}, compute type; the first channel of the padding is overwritten
     * @param anchors {@code (tokens)}, float32
     * @param top sees all logits; or null
     */
    private Tensor logSumAbove(Tensor states, Tensor anchors, Rows projection, @Nullable TopLogits top,
            Workspace workspace) {
        long tokens = states.size(0);
        long hidden = width;
        Tensor taken = states.select(1, hidden).copy_(anchors.neg()).to(ScalarType.Float); // as it was rounded
        Tensor sum = torch.zeros_like(taken);
        for (long first = 0; first < projection.count(); first += SLICE) {
            long tokensHere = Math.min(SLICE, projection.count() - first);
            try (var _ = new PointerScope()) {
                Tensor slice = workspace.tensor("anchoredProjection", type, tokensHere, hidden + PADDING);
                projection.copy(first, slice.narrow(1, 0, hidden), workspace);
                slice.narrow(1, hidden, PADDING).fill_(new Scalar(1));
                long firstId = first;
                workspace.shareRows(tokens, (_, start, rows, buffers) -> {
                    Tensor logits = buffers.tensor("narrowLogits", type, rows, tokensHere);
                    torch.mm_out(logits, states.narrow(0, start, rows), slice.t());
                    // Sums of bfloat16 into float32 are slow; a copy is not.
                    Tensor wide = buffers.floats("logits", rows, tokensHere).copy_(logits);
                    if (top != null) {
                        top.see(wide, firstId, start);
                    }
                    sum.narrow(0, start, rows).add_(wide.exp_().sum(1));
                });
            }
        }
        return sum.log_().sub_(taken).sub_(anchors);
    }

    /** Watches for each token its target's logit and the largest of all, both as they were rounded. */
    private static final class TopLogits {
        private final int[] targets;
        private final int[] rows;
        private final float[] target;
        private final float[] largest;

        TopLogits(int[] targets) {
            this.targets = targets;
            this.rows = IntStream.range(0, targets.length).toArray();
            this.target = new float[targets.length];
            this.largest = new float[targets.length];
            Arrays.fill(largest, Float.NEGATIVE_INFINITY);
        }

        void see(Tensor logits, long firstId, long start) {
            VocabularySlices.readTargets(logits, firstId, start, rows, targets, target);
            float[] highest = Tensors.floats(logits.amax(new long[]{1}, false));
            for (int i = 0; i < highest.length; i++) {
                int row = Math.toIntExact(start) + i;
                largest[row] = Math.max(largest[row], highest[i]);
            }
        }

        boolean[] greedy() {
            boolean[] greedy = new boolean[targets.length];
            for (int i = 0; i < greedy.length; i++) {
                greedy[i] = target[i] >= largest[i];
            }
            return greedy;
        }
    }
}
