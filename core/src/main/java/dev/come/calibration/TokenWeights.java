package dev.come.calibration;

import dev.come.run.TokenChunks;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * How much each token counts where layers are fitted: by what its row is multiplied before it is squared. Safe for use by several
 * threads.
 */
public interface TokenWeights {
    /** Each as much as any: a row is divided by the length of what it should be. */
    TokenWeights NORM = new TokenWeights() {
        @Override
        public Tensor scale(Tensor expected, int chunk) {
            Tensor scale = length(expected).reciprocal_();
            return scale.masked_fill_(scale.isinf(), new Scalar(0.0)); // a state of zeros has no direction to be off
        }

        @Override
        public double total(Tensor expected, int chunk) {
            return expected.size(0);
        }
    };

    /** By the square of the length of what it should be: rows are as they are. */
    TokenWeights UNIFORM = new TokenWeights() {
        @Override
        public Tensor scale(Tensor expected, int chunk) {
            return torch.ones(new long[]{expected.size(0), 1}, expected.options());
        }

        @Override
        public double total(Tensor expected, int chunk) {
            return expected.square().sum(new ScalarTypeOptional(ScalarType.Double)).item_double();
        }
    };

    /**
     * The factors of rows.
     *
     * @param expected {@code (tokens, width)}, float32: what the rows should be
     * @param chunk the tokens
     * @return {@code (tokens, 1)}, float32
     */
    Tensor scale(Tensor expected, int chunk);

    /** What a sum of squared rows is divided by, so that an error is a part of what should be. */
    double total(Tensor expected, int chunk);

    private static Tensor length(Tensor rows) {
        return torch.linalg_vector_norm(rows, new Scalar(2.0), new long[]{1}, true,
                new ScalarTypeOptional(ScalarType.Float));
    }

    /**
     * As {@link #NORM}, times the loss of the dense model on the token that comes next, as a part of the mean loss. The last
     * token of a sequence counts once.
     *
     * @param losses for each sequence of the chunks those of its second to last token, in nats, at least 0
     */
    static TokenWeights byLosses(TokenChunks chunks, List<double[]> losses) {
        double mean = losses.stream().flatMapToDouble(Arrays::stream).average().orElse(0);
        float[][] counts = new float[chunks.size()][];
        int sequence = 0;
        for (int chunk = 0; chunk < counts.length; chunk++) {
            float[] ofChunk = new float[chunks.get(chunk).tokens().length];
            Arrays.fill(ofChunk, 1);
            int start = 0;
            for (int length : chunks.get(chunk).layout().lengths()) {
                double[] known = losses.get(sequence++);
                for (int i = 0; i < known.length && mean > 0; i++) {
                    ofChunk[start + i] = (float) (known[i] / mean);
                }
                start += length;
            }
            counts[chunk] = ofChunk;
        }
        return new TokenWeights() {
            @Override
            public Tensor scale(Tensor expected, int chunk) {
                Tensor roots = torch.tensor(counts[chunk]).to(expected.device(), ScalarType.Float).sqrt_();
                return NORM.scale(expected, chunk).mul_(roots.unsqueeze(1));
            }

            @Override
            public double total(Tensor expected, int chunk) {
                double total = 0;
                for (float count : counts[chunk]) {
                    total += count;
                }
                return total;
            }
        };
    }
}
