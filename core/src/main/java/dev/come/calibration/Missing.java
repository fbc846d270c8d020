package dev.come.calibration;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What rows are off. Tensors are those of the current PointerScope.
 *
 * @param rows {@code (tokens, width)}, float32: what should be less what is, times the factor of the token
 * @param scale {@code (tokens, 1)}, float32: the factors
 * @param total what a sum of squares over the rows is divided by
 */
record Missing(Tensor rows, Tensor scale, double total) {
    private static final long ROWS = 2048;

    /**
     * Compares rows.
     *
     * @param expected {@code (tokens, width)}, float32
     * @param found of the same shape and type
     * @param chunk the tokens
     */
    static Missing of(Tensor expected, Tensor found, TokenWeights weights, int chunk) {
        Tensor scale = weights.scale(expected, chunk);
        return new Missing(expected.sub(found).mul_(scale), scale, weights.total(expected, chunk));
    }

    /**
     * The moments of what is missing and of what should explain it.
     *
     * @param inputs {@code (tokens, channels)} of a projection
     * @param bias whether a constant is to be the last channel
     * @param factor by what the result of the projection is multiplied
     */
    Moments moments(Tensor inputs, boolean bias, double factor) {
        Moments moments = Moments.of(inputs.size(1) + (bias ? 1 : 0), rows);
        for (long row = 0; row < inputs.size(0); row += ROWS) {
            try (var _ = new PointerScope()) {
                long count = Math.min(ROWS, inputs.size(0) - row);
                Tensor factors = scale.narrow(0, row, count).mul(new Scalar(factor));
                Tensor x = inputs.narrow(0, row, count).to(ScalarType.Float).mul(factors);
                moments.add(bias ? torch.cat(new TensorVector(x, factors), 1) : x, rows.narrow(0, row, count));
            }
        }
        return moments;
    }
}
