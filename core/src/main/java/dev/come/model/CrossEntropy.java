package dev.come.model;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * How likely next tokens are after states of the last layer: losses, bounds of losses, log-likelihoods, gradients.
 *
 * <p>Losses are as good as from float32 logits whatever the compute type, because plain bfloat16 losses come in steps of
 * 2^-6 nats and make searches tie. They never hold more than a block of the tokens x vocabulary matrix. Safe for use by
 * several threads, each with a workspace of its own.
 */
public final class CrossEntropy {
    private final LanguageModelHead head;
    private final Multipliers multipliers;
    private final boolean anchored;
    private final AnchoredLogits anchoredLogits;
    private final VocabularySlices vocabulary;
    private final long rowsAtOnce;

    /** That of a head, which must stay open. */
    public CrossEntropy(LanguageModelHead head) {
        this(head, VocabularySlices.SLICE);
    }

    /** @param slice rows of the vocabulary that are gone through together */
    CrossEntropy(LanguageModelHead head, int slice) {
        this.head = head;
        this.multipliers = head.config().multipliers();
        this.anchored = AnchoredLogits.areFor(head.config(), head.compute());
        this.anchoredLogits = new AnchoredLogits(head.config(), head.compute());
        this.vocabulary = new VocabularySlices(head.projection(), multipliers, slice);
        this.rowsAtOnce = head.compute().rowsAtOnce();
    }

    /**
     * The cross-entropy of next tokens, in nats.
     *
     * @param hidden {@code (tokens, hidden)} after the last layer
     * @param tokens the ids of the same tokens
     * @param first for each sequence of the layout the position of the first token that is scored, at least 1
     * @return for each sequence of the layout the losses of its tokens from the first one on
     */
    public double[][] losses(Tensor hidden, int[] tokens, TokenLayout layout, IntUnaryOperator first,
            Workspace workspace) {
        return forEachSequence(hidden, tokens, layout, first,
                (states, targets) -> losses(states, targets, head.projection(), workspace));
    }

    /**
     * What the cross-entropy of next tokens is at least, in nats: that of a vocabulary of some tokens and the one that does
     * follow.
     *
     * @param hidden {@code (tokens, hidden)} after the last layer
     * @param tokens the ids of the same tokens
     * @return for each sequence of the layout the bounds of its second to last token
     */
    public double[][] lossBounds(Tensor hidden, int[] tokens, TokenLayout layout, LikelyTokens likely,
            Workspace workspace) {
        return forEachSequence(hidden, tokens, layout, _ -> 1, (states, targets) -> {
            double[] bounds = losses(states, targets, likely.rows(), workspace);
            for (int i = 0; i < bounds.length; i++) {
                if (!likely.contains(targets[i])) {
                    bounds[i] = Math.max(bounds[i], 0) + Math.log1p(Math.exp(-Math.abs(bounds[i])));
                }
            }
            return bounds;
        });
    }

    /** Finds the losses of the tokens of one sequence. */
    private interface SequenceLosses {
        double[] of(Tensor hidden, int[] targets);
    }

    private static double[][] forEachSequence(Tensor hidden, int[] tokens, TokenLayout layout, IntUnaryOperator first,
            SequenceLosses find) {
        double[][] losses = new double[layout.lengths().length][];
        int start = 0;
        for (int i = 0; i < losses.length; i++) {
            int length = layout.lengths()[i];
            int from = first.applyAsInt(i);
            try (var _ = new PointerScope()) {
                losses[i] = length <= from
                        ? new double[0]
                        : find.of(hidden.narrow(0, start + from - 1L, length - from),
                                Arrays.copyOfRange(tokens, start + from, start + length));
            }
            start += length;
        }
        return losses;
    }

    /**
     * The tokens that are likeliest after some states.
     *
     * @param hidden {@code (tokens, hidden)} after the last layer
     * @param count how many are wanted
     * @return their ids
     */
    public int[] likelyTokens(Tensor hidden, int count, Workspace workspace) {
        try (var _ = new PointerScope()) {
            Tensor states = head.finalStates(hidden, workspace);
            Tensor logSum = vocabulary.logSumExp(states, workspace);
            long blocks = Math.ceilDiv(states.size(0), rowsAtOnce);
            Tensor expected = torch.zeros(new long[]{blocks, vocabulary.tokens()}, logSum.options());
            vocabulary.forEach(states, workspace, (firstId, slice, logits, block, start, rows) -> expected
                    .select(0, block).narrow(0, firstId, slice.size(0))
                    .copy_(logits.sub_(logSum.narrow(0, start, rows)).exp_().sum(0)));
            return Arrays.stream(Tensors.doubles(expected.sum(0).topk(count).get1())).mapToInt(id -> (int) id)
                    .toArray();
        }
    }

    /**
     * Takes tokens to bound losses by.
     *
     * @return to be closed
     */
    public LikelyTokens likely(int[] ids) {
        try (var _ = new PointerScope()) {
            return new LikelyTokens(ids, head.projection().pick(ids));
        }
    }

    /**
     * The gradient of the sum of the sequences' losses, each the mean cross-entropy of its second to last token.
     *
     * @param hidden {@code (tokens, hidden)} after the last layer
     * @param tokens the ids of the same tokens
     * @return {@code (tokens, hidden)}, float32: the gradient with respect to {@code hidden}
     */
    public Tensor lossGradient(Tensor hidden, int[] tokens, TokenLayout layout, Workspace workspace) {
        Tensor gradient = torch.zeros_like(hidden).to(ScalarType.Float);
        int start = 0;
        for (int length : layout.lengths()) {
            if (length > 1) {
                try (var _ = new PointerScope()) {
                    lossGradient(hidden.narrow(0, start, length - 1),
                            Arrays.copyOfRange(tokens, start + 1, start + length), workspace,
                            gradient.narrow(0, start, length - 1));
                }
            }
            start += length;
        }
        return gradient;
    }

    /**
     * Through the logits slice by slice: (softmax - target) / tokens times the projection; and through the norm. Each slice of the
     * logits is made once: what came of those before shrinks when a larger logit turns up (as in arXiv 2205.14135).
     */
    private void lossGradient(Tensor hidden, int[] targets, Workspace workspace, Tensor result) {
        long tokens = targets.length;
        Tensor states = head.finalStates(hidden, workspace);
        Tensor largest = workspace.floats("largest", tokens, 1).fill_(new Scalar(Float.NEGATIVE_INFINITY));
        Tensor sum = workspace.floats("sum", tokens, 1).zero_();
        Tensor gradient = torch.zeros_like(states);
        vocabulary.forEach(states, workspace, (_, slice, logits, _, start, rows) -> {
            Tensor slopes = multipliers.capsLogits() ? multipliers.slope(logits) : null;
            Tensor shrink = VocabularySlices.addExponentials(logits, largest.narrow(0, start, rows),
                    sum.narrow(0, start, rows));
            gradient.narrow(0, start, rows).mul_(shrink).addmm_(slopes == null ? logits : logits.mul_(slopes), slice);
        });
        Tensor target = targetRows(targets);
        if (multipliers.capsLogits()) {
            target.mul_(multipliers.slope(targetLogits(states, targets)).unsqueeze(1));
        }
        gradient.div_(sum).sub_(target);
        gradient.mul_(new Scalar(1.0 / tokens));
        try (var _ = new AutoGradMode(true)) {
            Tensor input = hidden.to(ScalarType.Float).detach().set_requires_grad(true);
            result.copy_(torch.grad(new TensorVector(head.plainFinalStates(input)), new TensorVector(input),
                    new TensorVector(gradient), null,
                    false, false).get(0));
        }
    }

    /**
     * How likely given tokens are to come next; as exact as {@link #losses}.
     *
     * @param hidden {@code (tokens, hidden)} after the last layer
     * @param rows for each token asked for the row of {@code hidden} after which it may come; a row may be asked for several
     * @param targets the ids of the tokens asked for
     */
    public NextTokenLikelihoods likelihoods(Tensor hidden, int[] rows, int[] targets, Workspace workspace) {
        if (rows.length == 0) {
            return new NextTokenLikelihoods(new double[0], new boolean[0]);
        }
        try (var _ = new PointerScope()) {
            if (anchored) {
                Tensor states = head.finalStates(pick(hidden, rows), workspace);
                boolean[] greedy = new boolean[targets.length];
                double[] losses = anchoredLogits.losses(states, targets, targetRows(targets), head.projection(), greedy,
                        workspace);
                if (Arrays.stream(losses).allMatch(Double::isFinite)) {
                    return new NextTokenLikelihoods(Arrays.stream(losses).map(loss -> -loss).toArray(), greedy);
                }
            }
            int[] distinct = Arrays.stream(rows).distinct().toArray();
            Map<Integer, Integer> places = new HashMap<>();
            for (int i = 0; i < distinct.length; i++) {
                places.put(distinct[i], i);
            }
            int[] asked = Arrays.stream(rows).map(places::get).toArray();
            return likelihoodsFromLogits(head.finalStates(pick(hidden, distinct), workspace), asked, targets,
                    workspace);
        }
    }

    private static Tensor pick(Tensor from, int[] rows) {
        return torch.index_select(from, 0, torch.tensor(rows).to(from.device(), ScalarType.Int));
    }

    private NextTokenLikelihoods likelihoodsFromLogits(Tensor states, int[] rows, int[] targets, Workspace workspace) {
        long tokens = states.size(0);
        Tensor largest = workspace.floats("largest", tokens, 1).fill_(new Scalar(Float.NEGATIVE_INFINITY));
        Tensor sum = workspace.floats("sum", tokens, 1).zero_();
        float[] target = new float[targets.length];
        vocabulary.forEach(states, workspace, (firstId, _, logits, _, start, count) -> {
            VocabularySlices.readTargets(logits, firstId, start, rows, targets, target);
            VocabularySlices.addExponentials(logits, largest.narrow(0, start, count), sum.narrow(0, start, count));
        });
        float[] highest = Tensors.floats(largest);
        float[] logSum = Tensors.floats(sum.log().add_(largest));
        double[] logLikelihoods = new double[targets.length];
        boolean[] greedy = new boolean[targets.length];
        for (int i = 0; i < targets.length; i++) {
            logLikelihoods[i] = target[i] - logSum[rows[i]];
            greedy[i] = target[i] >= highest[rows[i]];
        }
        return new NextTokenLikelihoods(logLikelihoods, greedy);
    }

    /** @param rows those of the output projection that belong to the tokens that may come next */
    private double[] losses(Tensor hidden, int[] targets, Rows rows, Workspace workspace) {
        Tensor states = head.finalStates(hidden, workspace);
        if (!anchored) {
            return lossesFromLogits(states, targets, rows, workspace);
        }
        double[] losses = anchoredLogits.losses(states, targets, targetRows(targets), rows, null, workspace);
        // A logit 88 above the target's is too much for an exponential.
        return Arrays.stream(losses).allMatch(Double::isFinite)
                ? losses
                : lossesFromLogits(head.finalStates(hidden, workspace), targets, rows, workspace);
    }

    /** log sum exp minus the target's logit, in float32. */
    private double[] lossesFromLogits(Tensor states, int[] targets, Rows rows, Workspace workspace) {
        Tensor target = targetLogits(states, targets);
        return Tensors
                .doubles(new VocabularySlices(rows, multipliers).logSumExp(states, workspace).squeeze(1).sub(target));
    }

    /** The rows of the output projection for some tokens, {@code (tokens, embedding)}, float32. */
    private Tensor targetRows(int[] targets) {
        return head.projection().pick(targets).to(ScalarType.Float);
    }

    /** The logits of the tokens that do follow, {@code (tokens)}, float32. */
    private Tensor targetLogits(Tensor states, int[] targets) {
        return multipliers.capped(targetRows(targets).mul(states).sum(1));
    }
}
