package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The residual stream after the last layer to logits or to losses: final norm, output projection, cross-entropy.
 *
 * <p>Losses are as good as from float32 logits whatever the compute type, because plain bfloat16 losses come in steps of
 * 2^-6 nats and make searches tie. They never hold more than a block of the tokens x vocabulary matrix.
 */
public final class LanguageModelHead implements AutoCloseable {
    private static final int VOCABULARY_SLICE = 8192;
    /** Channels more for the anchor; products of bfloat16 take numbers in pairs. */
    private static final int PADDING = 2;
    /** Nats from where on a logit is far from another. */
    private static final double FAR = 6;

    private final ModelConfig config;
    private final Compute compute;
    private final Tensor stored;
    private final @Nullable Tensor normWeight;
    private final @Nullable Tensor normBias;
    private final @Nullable Tensor projection;
    private @Nullable Linear whole;

    /** Uses the output projection of an open checkpoint, which must stay open. */
    public LanguageModelHead(Checkpoint checkpoint, ModelConfig config, Compute compute) {
        this.config = config;
        this.compute = compute;
        try (var _ = new PointerScope()) {
            // On a device all of it: every chunk of tokens needs it, and the way there is long.
            Tensor inFile = checkpoint.tensor(config.headTensor());
            stored = inFile.to(compute.torchDevice(), inFile.scalar_type());
            stored.retainReference();
            Family.Names names = config.family().names();
            normWeight = config.finalNorm() ? wide(checkpoint, names.finalNorm()) : null;
            normBias = config.finalNorm() && config.norm().kind() == Norm.Kind.LAYER
                    ? wide(checkpoint, names.finalNormBias())
                    : null;
            projection = config.embeddingSize() == config.hiddenSize()
                    ? null
                    : wide(checkpoint, names.projectOut().orElseThrow());
        }
    }

    private Tensor wide(Checkpoint checkpoint, String name) {
        Tensor tensor = checkpoint.tensor(name).to(compute.torchDevice(), ScalarType.Float);
        tensor.retainReference();
        return tensor;
    }

    /**
     * What the output projection sees: the final norm and, where they are, the projection to the width of the embedding and the
     * multiplier of the logits.
     *
     * @return {@code (tokens, embedding)}, float32; may lie in the workspace
     */
    public Tensor finalStates(Tensor hidden, Workspace workspace) {
        Tensor normed = normWeight == null
                ? hidden.to(ScalarType.Float)
                : config.norm().of(hidden, config.norm().scale(normWeight), normBias, workspace);
        Tensor states = projection == null ? normed : normed.mm(projection.t());
        double multiplier = config.multipliers().logits();
        return multiplier == 1 ? states : states.mul(new Scalar(multiplier));
    }

    /** As {@link #finalStates}, in plain operations through which gradients flow. */
    public Tensor plainFinalStates(Tensor hidden) {
        Tensor normed = normWeight == null ? hidden : config.norm().plain(hidden, normWeight, normBias);
        Tensor states = projection == null ? normed : normed.mm(projection.t());
        return states.mul(new Scalar(config.multipliers().logits()));
    }

    /** How many tokens there are. */
    int vocabularySize() {
        return config.vocabularySize();
    }

    /** Copies some rows of the output projection into a tensor {@code (width, embedding)}, which it returns. */
    Tensor projection(long first, long width, Tensor into) {
        return into.copy_(stored.narrow(0, first, width));
    }

    /** Logits as the model means them, in place. */
    Tensor capped(Tensor logits) {
        return config.multipliers().capped(logits);
    }

    /**
     * Logits, {@code (rows, vocabulary)}, float32; may lie in the workspace. Keeps the whole projection in the compute type from
     * then on.
     */
    public Tensor logits(Tensor hidden, Workspace workspace) {
        Tensor states = finalStates(hidden, workspace).to(compute.scalarType());
        return config.multipliers().capped(whole().of(states, "logits", workspace).to(ScalarType.Float));
    }

    /** Makes the whole projection, which {@link #logits} otherwise does when it is first called. */
    void prepareLogits() {
        whole();
    }

    private synchronized Linear whole() {
        if (whole == null) {
            try (var _ = new PointerScope()) {
                whole = Linear.packed(stored.to(compute.torchDevice(), compute.scalarType()), null, compute);
            }
        }
        return whole;
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
                (states, targets) -> losses(states, targets, stored, workspace));
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
     * @return to be closed
     */
    public LikelyTokens likelyTokens(Tensor hidden, int count, Workspace workspace) {
        try (var _ = new PointerScope()) {
            Tensor states = finalStates(hidden, workspace);
            Tensor logSum = logSumExp(states, stored, workspace);
            long blocks = Math.ceilDiv(states.size(0), compute.rowsAtOnce());
            Tensor expected = torch.zeros(new long[]{blocks, config.vocabularySize()}, logSum.options());
            forEachSlice(states, stored, workspace, (firstId, slice, logits, block, start, rows) -> expected
                    .select(0, block).narrow(0, firstId, slice.size(0))
                    .copy_(logits.sub_(logSum.narrow(0, start, rows)).exp_().sum(0)));
            Tensor ids = expected.sum(0).topk(count).get1();
            return new LikelyTokens(Arrays.stream(Tensors.doubles(ids)).mapToInt(id -> (int) id).toArray(),
                    torch.index_select(stored, 0, ids));
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

    /** Through the logits slice by slice: (softmax - target) / tokens times the projection; and through the norm. */
    private void lossGradient(Tensor hidden, int[] targets, Workspace workspace, Tensor result) {
        long tokens = targets.length;
        Tensor states = finalStates(hidden, workspace);
        Tensor logSum = logSumExp(states, stored, workspace);
        Tensor gradient = targetRows(targets).neg_();
        if (config.multipliers().capsLogits()) {
            gradient.mul_(config.multipliers().slope(targetLogits(states, targets)).unsqueeze(1));
        }
        forEachSlice(states, stored, workspace, (_, slice, logits, _, start, rows) -> {
            Tensor slopes = config.multipliers().capsLogits() ? config.multipliers().slope(logits) : null;
            logits.sub_(logSum.narrow(0, start, rows)).exp_();
            gradient.narrow(0, start, rows).addmm_(slopes == null ? logits : logits.mul_(slopes), slice);
        });
        gradient.mul_(new Scalar(1.0 / tokens));
        try (var _ = new AutoGradMode(true)) {
            Tensor input = hidden.to(ScalarType.Float).detach().set_requires_grad(true);
            result.copy_(torch.grad(new TensorVector(plainFinalStates(input)), new TensorVector(input),
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
    public NextTokens nextTokens(Tensor hidden, int[] rows, int[] targets, Workspace workspace) {
        if (rows.length == 0) {
            return new NextTokens(new double[0], new boolean[0]);
        }
        try (var _ = new PointerScope()) {
            if (takesAnchors()) {
                Tensor states = finalStates(pick(hidden, rows), workspace);
                boolean[] greedy = new boolean[targets.length];
                double[] losses = lossesFromDifferences(states, targets, stored, greedy, workspace);
                if (Arrays.stream(losses).allMatch(Double::isFinite)) {
                    return new NextTokens(Arrays.stream(losses).map(loss -> -loss).toArray(), greedy);
                }
            }
            int[] distinct = Arrays.stream(rows).distinct().toArray();
            Map<Integer, Integer> places = new HashMap<>();
            for (int i = 0; i < distinct.length; i++) {
                places.put(distinct[i], i);
            }
            int[] asked = Arrays.stream(rows).map(places::get).toArray();
            return nextTokensFromLogits(finalStates(pick(hidden, distinct), workspace), asked, targets, workspace);
        }
    }

    private static Tensor pick(Tensor from, int[] rows) {
        return torch.index_select(from, 0, torch.tensor(rows).to(from.device(), ScalarType.Int));
    }

    private NextTokens nextTokensFromLogits(Tensor states, int[] rows, int[] targets, Workspace workspace) {
        long tokens = states.size(0);
        Tensor largest = workspace.floats("largest", tokens, 1).fill_(new Scalar(Float.NEGATIVE_INFINITY));
        Tensor sum = workspace.floats("sum", tokens, 1).zero_();
        float[] target = new float[targets.length];
        forEachSlice(states, stored, workspace, (firstId, _, logits, _, start, count) -> {
            readTargets(logits, firstId, start, rows, targets, target);
            addExponentials(logits, largest.narrow(0, start, count), sum.narrow(0, start, count));
        });
        float[] highest = Tensors.floats(largest);
        float[] logSum = Tensors.floats(sum.log().add_(largest));
        double[] logLikelihoods = new double[targets.length];
        boolean[] greedy = new boolean[targets.length];
        for (int i = 0; i < targets.length; i++) {
            logLikelihoods[i] = target[i] - logSum[rows[i]];
            greedy[i] = target[i] >= highest[rows[i]];
        }
        return new NextTokens(logLikelihoods, greedy);
    }

    /**
     * Copies those targets' logits that a block of logits holds, so that they are compared with others as they were computed.
     *
     * @param logits {@code (rows, slice)}
     * @param firstId the token of the first column
     * @param start the row of the first row
     */
    private static void readTargets(Tensor logits, long firstId, long start, int[] rows, int[] targets,
            float[] result) {
        long width = logits.size(1);
        int[] here = IntStream.range(0, targets.length)
                .filter(i -> targets[i] >= firstId && targets[i] < firstId + width
                        && rows[i] >= start && rows[i] < start + logits.size(0))
                .toArray();
        if (here.length == 0) {
            return;
        }
        try (var _ = new PointerScope()) {
            long[] places = Arrays.stream(here).mapToLong(i -> (rows[i] - start) * width + targets[i] - firstId)
                    .toArray();
            Tensor index = torch.tensor(places).to(logits.device(), ScalarType.Long);
            float[] found = Tensors.floats(logits.view(-1).index_select(0, index));
            for (int i = 0; i < here.length; i++) {
                result[here[i]] = found[i];
            }
        }
    }

    /** Whether bfloat16 needs them, and logits are linear: nothing can be taken off before a cap. */
    private boolean takesAnchors() {
        return compute.type() != DType.F32 && !config.multipliers().capsLogits();
    }

    /** @param rows those of the output projection that belong to the tokens that may come next */
    private double[] losses(Tensor hidden, int[] targets, Tensor rows, Workspace workspace) {
        Tensor states = finalStates(hidden, workspace);
        if (!takesAnchors()) {
            return lossesFromLogits(states, targets, rows, workspace);
        }
        double[] losses = lossesFromDifferences(states, targets, rows, null, workspace);
        // A logit 88 above the target's is too much for an exponential.
        return Arrays.stream(losses).allMatch(Double::isFinite)
                ? losses
                : lossesFromLogits(finalStates(hidden, workspace), targets, rows, workspace);
    }

    /**
     * The losses from bfloat16 products, which round their results to eight bits. One more channel takes an anchor off all
     * logits of a token, so that those near the anchor are small numbers, which round by little. The first anchor is the
     * target's logit, known exactly: the loss is the logarithm of the sum of the exponentials of what is left. Where it is
     * large, the largest logits are far from the target's; these tokens go through once more, with an anchor near them.
     *
     * @param rows those of the output projection that belong to the tokens that may come next
     * @param greedy is filled with whether no logit is above the target's; or null. Only with all rows
     */
    private double[] lossesFromDifferences(Tensor states, int[] targets, Tensor rows, boolean @Nullable [] greedy,
            Workspace workspace) {
        long hidden = config.embeddingSize();
        Tensor anchored = workspace.tensor("anchoredStates", compute.scalarType(), targets.length, hidden + PADDING);
        anchored.zero_();
        anchored.narrow(1, 0, hidden).copy_(states);
        Tensor target = targetRows(targets).mul(anchored.narrow(1, 0, hidden)).sum(1);
        TopLogits top = greedy == null ? null : new TopLogits(targets);
        Tensor losses = logSumAbove(anchored, target, rows, top, workspace);
        if (greedy != null && top != null) {
            System.arraycopy(top.greedy(), 0, greedy, 0, greedy.length);
        }
        Tensor far = losses.gt(new Scalar(FAR)).nonzero().squeeze(1);
        if (far.numel() > 0) {
            Tensor anchors = target.add(losses).index_select(0, far);
            Tensor again = logSumAbove(anchored.index_select(0, far), anchors, rows, null, workspace);
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
    private Tensor logSumAbove(Tensor states, Tensor anchors, Tensor projection, @Nullable TopLogits top,
            Workspace workspace) {
        long tokens = states.size(0);
        long hidden = config.embeddingSize();
        Tensor taken = states.select(1, hidden).copy_(anchors.neg()).to(ScalarType.Float); // as it was rounded
        Tensor sum = torch.zeros_like(taken);
        for (long first = 0; first < projection.size(0); first += VOCABULARY_SLICE) {
            long width = Math.min(VOCABULARY_SLICE, projection.size(0) - first);
            try (var _ = new PointerScope()) {
                Tensor slice = workspace.tensor("anchoredProjection", compute.scalarType(), width, hidden + PADDING);
                slice.narrow(1, 0, hidden).copy_(projection.narrow(0, first, width));
                slice.narrow(1, hidden, PADDING).fill_(new Scalar(1));
                long firstId = first;
                workspace.shareRows(tokens, (_, start, rows, buffers) -> {
                    Tensor logits = buffers.tensor("narrowLogits", compute.scalarType(), rows, width);
                    torch.mm_out(logits, states.narrow(0, start, rows), slice.t());
                    // Sums of bfloat16 into float32 are slow; a copy is not.
                    Tensor wide = buffers.floats("logits", rows, width).copy_(logits);
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
            readTargets(logits, firstId, start, rows, targets, target);
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

    /** log sum exp minus the target's logit, in float32. */
    private double[] lossesFromLogits(Tensor states, int[] targets, Tensor rows, Workspace workspace) {
        Tensor target = targetLogits(states, targets);
        return Tensors.doubles(logSumExp(states, rows, workspace).squeeze(1).sub(target));
    }

    /** The rows of the output projection for some tokens, {@code (tokens, embedding)}, float32. */
    private Tensor targetRows(int[] targets) {
        return pick(stored, targets).to(ScalarType.Float);
    }

    /** The logits of the tokens that do follow, {@code (tokens)}, float32. */
    private Tensor targetLogits(Tensor states, int[] targets) {
        return config.multipliers().capped(targetRows(targets).mul(states).sum(1));
    }

    /** The logarithm of the sum of the exponentials of the logits, {@code (tokens, 1)}. */
    private Tensor logSumExp(Tensor states, Tensor projection, Workspace workspace) {
        long tokens = states.size(0);
        Tensor largest = workspace.floats("largest", tokens, 1).fill_(new Scalar(Float.NEGATIVE_INFINITY));
        Tensor sum = workspace.floats("sum", tokens, 1).zero_();
        forEachSlice(states, projection, workspace, (_, _, logits, _, start, rows) -> addExponentials(logits,
                largest.narrow(0, start, rows), sum.narrow(0, start, rows)));
        return sum.log().add_(largest);
    }

    /** Sees the logits of some rows for one slice of the vocabulary, and may overwrite them; called from several threads. */
    private interface SliceVisitor {
        /**
         * @param firstId the token of the first row of the slice
         * @param slice {@code (slice, embedding)}: the rows of the projection
         * @param logits {@code (rows, slice)}
         * @param block the number of these rows among those that are seen one after the other
         */
        void visit(long firstId, Tensor slice, Tensor logits, int block, long start, long rows);
    }

    /** Tokens x vocabulary never exists: logits are made slice by slice of the vocabulary and block by block of the tokens. */
    private void forEachSlice(Tensor states, Tensor projection, Workspace workspace, SliceVisitor visitor) {
        long tokens = states.size(0);
        for (long first = 0; first < projection.size(0); first += VOCABULARY_SLICE) {
            long width = Math.min(VOCABULARY_SLICE, projection.size(0) - first);
            try (var _ = new PointerScope()) {
                Tensor slice = workspace.floats("projection", width, config.embeddingSize())
                        .copy_(projection.narrow(0, first, width));
                long firstId = first;
                workspace.shareRows(tokens, (block, start, rows, buffers) -> {
                    Tensor logits = buffers.floats("logits", rows, width);
                    torch.mm_out(logits, states.narrow(0, start, rows), slice.t());
                    config.multipliers().capped(logits);
                    visitor.visit(firstId, slice, logits, block, start, rows);
                });
            }
        }
    }

    /** Adds exp(logits - largest) of one slice to the running sums, which follow when a larger logit turns up. */
    private static void addExponentials(Tensor logits, Tensor largest, Tensor sum) {
        Tensor top = torch.maximum(logits.amax(new long[]{1}, true), largest);
        sum.mul_(largest.sub_(top).exp_()).add_(logits.sub_(top).exp_().sum(1).unsqueeze(1));
        largest.copy_(top);
    }

    @Override
    public synchronized void close() {
        stored.releaseReference();
        Stream.of(normWeight, normBias, projection).filter(Objects::nonNull).forEach(Tensor::releaseReference);
        if (whole != null) {
            whole.close();
        }
    }
}
