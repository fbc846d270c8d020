package dev.come.model;

import java.io.Serializable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * How far what a model holds likely to come next is from what another does, which has the same vocabulary.
 *
 * @param nats for each token KL(reference || model) between the probabilities of the token after it; never negative
 * @param sameTop for each token whether the likeliest next token is the same
 */
@SuppressWarnings("ArrayRecordComponent") // a number for each token; never compared
public record NextTokenDivergence(double[] nats, boolean[] sameTop) implements Serializable {
    private static final int ROWS = 512;
    private static final int VOCABULARY_SLICE = 8192;

    /**
     * Compares, from float32 logits whatever the compute type. The logits of both are made slice by slice of the vocabulary and
     * block by block of the tokens.
     *
     * @param referenceHidden {@code (tokens, hidden)} of the reference after its last layer
     * @param hidden the same of the model; its width may be another
     */
    public static NextTokenDivergence of(LanguageModelHead reference, Tensor referenceHidden, LanguageModelHead model,
            Tensor hidden, Workspace workspace) {
        long tokens = hidden.size(0);
        long vocabulary = model.vocabularySize();
        if (reference.vocabularySize() != vocabulary) {
            throw new IllegalArgumentException("the vocabularies have " + reference.vocabularySize() + " and "
                    + vocabulary + " tokens");
        }
        try (var _ = new PointerScope()) {
            Side p = new Side(reference, referenceHidden, "reference", workspace);
            Side q = new Side(model, hidden, "model", workspace);
            // The sum over the vocabulary of exp(logit of p - its largest) times the difference of both logits.
            Tensor differences = workspace.tensor("divergences", ScalarType.Double, tokens).zero_();
            for (long first = 0; first < vocabulary; first += VOCABULARY_SLICE) {
                long width = Math.min(VOCABULARY_SLICE, vocabulary - first);
                try (var _ = new PointerScope()) {
                    Tensor ofP = p.slice(first, width);
                    Tensor ofQ = q.slice(first, width);
                    for (long start = 0; start < tokens; start += ROWS) {
                        long rows = Math.min(ROWS, tokens - start);
                        try (var _ = new PointerScope()) {
                            Tensor logits = p.logits(ofP, start, rows);
                            Tensor others = q.logits(ofQ, start, rows);
                            Tensor apart = workspace.floats("apart", rows, width).copy_(logits).sub_(others);
                            Tensor scale = p.add(logits, first, start);
                            q.add(others, first, start);
                            differences.narrow(0, start, rows).mul_(scale)
                                    .add_(apart.mul_(logits).sum(1).to(ScalarType.Double));
                        }
                    }
                }
            }
            Tensor divergence = differences.div_(p.sum).sub_(p.logSum()).add_(q.logSum());
            double[] nats = Tensors.doubles(divergence);
            for (int i = 0; i < nats.length; i++) {
                nats[i] = Math.max(0, nats[i]); // rounding may leave a little less than nothing
            }
            return new NextTokenDivergence(nats, Tensors.booleans(p.top.eq(q.top)));
        }
    }

    /** One of the two models, on its way through the vocabulary. */
    private static final class Side {
        private final LanguageModelHead head;
        private final String name;
        private final Workspace workspace;
        private final Tensor states;
        private final Tensor largest;
        private final Tensor sum;
        private final Tensor top;

        Side(LanguageModelHead head, Tensor hidden, String name, Workspace workspace) {
            long tokens = hidden.size(0);
            this.head = head;
            this.name = name;
            this.workspace = workspace;
            this.states = head.finalStates(hidden, workspace).clone(); // the other's come to the same buffer
            this.largest = workspace.floats(name + "Largest", tokens).fill_(new Scalar(Float.NEGATIVE_INFINITY));
            this.sum = workspace.tensor(name + "Sum", ScalarType.Double, tokens).zero_();
            this.top = workspace.tensor(name + "Top", ScalarType.Long, tokens).zero_();
        }

        Tensor slice(long first, long width) {
            return head.projection().copy(first, workspace.floats(name + "Projection", width, states.size(1)),
                    workspace);
        }

        Tensor logits(Tensor slice, long start, long rows) {
            Tensor logits = workspace.floats(name + "Logits", rows, slice.size(0));
            torch.mm_out(logits, states.narrow(0, start, rows), slice.t());
            return head.capped(logits);
        }

        /**
         * Adds a block to the running sum, and makes its logits l exp(l - largest so far).
         *
         * @return {@code (rows)}, float64: by what sums of the slices before are to be multiplied, since the largest may have
         *         changed
         */
        Tensor add(Tensor logits, long first, long start) {
            long rows = logits.size(0);
            Tensor known = largest.narrow(0, start, rows);
            var best = torch.max(logits, 1);
            Tensor higher = best.get0().gt(known);
            Tensor tops = top.narrow(0, start, rows);
            tops.copy_(torch.where(higher, best.get1().add(new Scalar(first)), tops));
            Tensor now = torch.maximum(best.get0(), known);
            Tensor scale = known.sub(now).to(ScalarType.Double).exp_();
            known.copy_(now);
            logits.sub_(now.unsqueeze(1)).exp_();
            sum.narrow(0, start, rows).mul_(scale).add_(logits.sum(1).to(ScalarType.Double));
            return scale;
        }

        /** The logarithm of the sum of the exponentials of all logits, {@code (tokens)}, float64. */
        Tensor logSum() {
            return sum.log().add_(largest.to(ScalarType.Double));
        }
    }
}
