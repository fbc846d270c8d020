package dev.come.model;

import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The cross-entropy of the text that a student reads, beside its divergence from a teacher. Both are of probabilities without a
 * temperature. Safe for use by several threads.
 *
 * @param weight its factor in the loss; 0: there is none
 * @param next for each row the token that comes next, negative where there is none
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record CrossEntropyTerm(double weight, int[] next) {
    /** Nothing is added. */
    public static final CrossEntropyTerm NONE = new CrossEntropyTerm(0, new int[0]);

    /** Whether it is a part of the loss. */
    public boolean isWanted() {
        return weight > 0;
    }

    /** The term of some of the rows. */
    public CrossEntropyTerm rows(long first, long count) {
        return isWanted()
                ? new CrossEntropyTerm(weight, Arrays.copyOfRange(next, (int) first, (int) (first + count)))
                : this;
    }

    /**
     * The rows whose next token is one of these, {@code (hits)}.
     *
     * @param where a tensor of the device that they are for
     */
    Tensor hitRows(long firstToken, long tokens, Tensor where) {
        return torch.tensor(hits(firstToken, tokens, 0)).to(where.device(), ScalarType.Long);
    }

    /**
     * Where the next tokens lie among some logits, row by row.
     *
     * @param firstToken the token of the first column
     * @param logits {@code (rows, tokens)}, of all rows and some tokens
     * @return {@code (hits)}
     */
    public Tensor places(long firstToken, Tensor logits) {
        long width = logits.size(1);
        return torch.tensor(hits(firstToken, width, width)).to(logits.device(), ScalarType.Long);
    }

    private long[] hits(long firstToken, long tokens, long width) {
        long[] hits = new long[next.length];
        int count = 0;
        for (int row = 0; row < next.length; row++) {
            long token = next[row] - firstToken;
            if (next[row] >= 0 && token >= 0 && token < tokens) {
                hits[count++] = width == 0 ? row : row * width + token;
            }
        }
        return Arrays.copyOf(hits, count);
    }

    /** The cross-entropies at these places, {@code (hits)}, float64, without the weight. */
    public static Tensor losses(Tensor logProbabilities, Tensor places) {
        return logProbabilities.view(-1).index_select(0, places).to(ScalarType.Double).neg_();
    }

    /**
     * The gradient of the sum of both, with respect to logits. Rows after which no token comes have that of the divergence.
     *
     * @param probabilities {@code (rows, tokens)}, of the student; are overwritten with the gradient
     * @param expected the same of the teacher
     * @param places those of the next tokens
     */
    public Tensor gradient(Tensor probabilities, Tensor expected, Tensor places) {
        float[] factors = new float[next.length];
        for (int row = 0; row < factors.length; row++) {
            factors[row] = next[row] < 0 ? 1 : (float) (1 + weight);
        }
        Tensor sum = probabilities.mul_(
                torch.tensor(factors).to(probabilities.device(), ScalarType.Float).unsqueeze(1)).sub_(expected);
        sum.view(-1).index_add_(0, places, places.to(ScalarType.Float).fill_(new Scalar(-weight)));
        return sum;
    }
}
