package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The residual stream after the last layer to logits or to losses: final norm, output projection, cross-entropy.
 *
 * <p>Logits are float32 whatever the compute type, because bfloat16 losses come in steps of 2^-6 nats and make searches
 * tie. Losses never hold more than a block of the tokens x vocabulary matrix.
 */
public final class LanguageModelHead implements AutoCloseable {
    private static final int ROWS = 512;
    private static final int VOCABULARY_SLICE = 8192;

    private final ModelConfig config;
    private final Compute compute;
    private final Tensor stored;
    private final Tensor normWeight;
    private @Nullable Tensor whole;

    /** Uses the output projection of an open checkpoint, which must stay open. */
    public LanguageModelHead(Checkpoint checkpoint, ModelConfig config, Compute compute) {
        this.config = config;
        this.compute = compute;
        try (var _ = new PointerScope()) {
            stored = checkpoint.tensor(config.headTensor());
            stored.retainReference();
            normWeight = checkpoint.tensor(config.family().finalNorm()).to(compute.torchDevice(), ScalarType.Float);
            normWeight.retainReference();
        }
    }

    /** The states that the output projection sees, {@code (tokens, hidden)}, float32, in the workspace. */
    public Tensor finalStates(Tensor hidden, Workspace workspace) {
        return RmsNorm.of(hidden, normWeight, config.normEpsilon(), workspace);
    }

    /** Logits, {@code (rows, vocabulary)}, float32. Keeps the whole projection in the compute type from then on. */
    public Tensor logits(Tensor hidden, Workspace workspace) {
        Tensor states = finalStates(hidden, workspace).to(compute.scalarType());
        return states.mm(wholeProjection().t()).to(ScalarType.Float);
    }

    private synchronized Tensor wholeProjection() {
        if (whole == null) {
            try (var _ = new PointerScope()) {
                whole = stored.to(compute.torchDevice(), compute.scalarType());
                whole.retainReference();
            }
        }
        return whole;
    }

    /**
     * The cross-entropy of every next token, in nats.
     *
     * @param hidden {@code (tokens, hidden)} after the last layer
     * @param tokens the ids of the same tokens
     * @return for each sequence of the layout the losses of its second to last token
     */
    public double[][] losses(Tensor hidden, int[] tokens, TokenLayout layout, Workspace workspace) {
        double[][] losses = new double[layout.lengths().length][];
        int start = 0;
        for (int i = 0; i < losses.length; i++) {
            int length = layout.lengths()[i];
            try (var _ = new PointerScope()) {
                losses[i] = length < 2
                        ? new double[0]
                        : losses(hidden.narrow(0, start, length - 1),
                                Arrays.copyOfRange(tokens, start + 1, start + length), workspace);
            }
            start += length;
        }
        return losses;
    }

    /** log sum exp minus the target's logit; the sum is gathered slice by slice of the vocabulary. */
    private double[] losses(Tensor hidden, int[] targets, Workspace workspace) {
        long tokens = targets.length;
        Tensor states = finalStates(hidden, workspace);
        Tensor largest = workspace.floats("largest", tokens, 1).fill_(new Scalar(Float.NEGATIVE_INFINITY));
        Tensor sum = workspace.floats("sum", tokens, 1).zero_();
        for (long first = 0; first < config.vocabularySize(); first += VOCABULARY_SLICE) {
            long width = Math.min(VOCABULARY_SLICE, config.vocabularySize() - first);
            try (var _ = new PointerScope()) {
                Tensor slice = workspace.floats("projection", width, config.hiddenSize())
                        .copy_(stored.narrow(0, first, width));
                for (long start = 0; start < tokens; start += ROWS) {
                    long rows = Math.min(ROWS, tokens - start);
                    addExponentials(states.narrow(0, start, rows), slice, largest.narrow(0, start, rows),
                            sum.narrow(0, start, rows), workspace);
                }
            }
        }
        Tensor target = torch.index_select(stored, 0, torch.tensor(targets))
                .to(compute.torchDevice(), ScalarType.Float).mul(states).sum(1);
        return Tensors.doubles(sum.log().add(largest).squeeze(1).sub(target));
    }

    /** Adds exp(logits - largest) of one slice to the running sums, which follow when a larger logit turns up. */
    private static void addExponentials(Tensor states, Tensor slice, Tensor largest, Tensor sum, Workspace workspace) {
        try (var _ = new PointerScope()) {
            Tensor logits = workspace.floats("logits", states.size(0), slice.size(0));
            torch.mm_out(logits, states, slice.t());
            Tensor top = torch.maximum(logits.amax(new long[]{1}, true), largest);
            sum.mul_(largest.sub_(top).exp_()).add_(logits.sub_(top).exp_().sum(1).unsqueeze(1));
            largest.copy_(top);
        }
    }

    @Override
    public synchronized void close() {
        stored.releaseReference();
        normWeight.releaseReference();
        if (whole != null) {
            whole.releaseReference();
        }
    }
}
