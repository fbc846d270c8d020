package dev.come.model;

import dev.come.memory.Retained;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/** A matrix that multiplies rows, and the bias of the products. */
sealed interface Linear extends AutoCloseable permits Linear.Plain, PackedLinear {
    /**
     * Takes a matrix as it is.
     *
     * @param matrix {@code (outputs, inputs)}, compute type; retained until this is closed
     * @param bias {@code (outputs)}, compute type, or null; retained likewise
     */
    static Linear of(Tensor matrix, @Nullable Tensor bias) {
        return new Plain(Retained.of(matrix), Retained.ofNullable(bias));
    }

    /** Takes a matrix that will multiply few rows many times: packed if that is possible, otherwise as it is. */
    static Linear packed(Tensor matrix, @Nullable Tensor bias, Compute compute) {
        return PackedLinear.possible(compute) ? PackedLinear.of(matrix, bias) : of(matrix, bias);
    }

    /**
     * Multiplies.
     *
     * @param x {@code (rows, inputs)}, compute type
     * @param buffer where in the workspace the result may lie
     * @return {@code x matrix^T + bias}, {@code (rows, outputs)}, compute type
     */
    Tensor of(Tensor x, String buffer, Workspace workspace);

    /** Adds a multiple of {@code x matrix^T + bias} to rows, which have the compute type too. */
    void addTo(Tensor sum, Tensor x, Scalar multiplier);

    @Override
    void close();

    /** The matrix as it is. */
    record Plain(Retained<Tensor> held, @Nullable Retained<Tensor> heldBias) implements Linear {
        @Override
        public Tensor of(Tensor x, String buffer, Workspace workspace) {
            Tensor matrix = held.borrow();
            Tensor bias = Retained.borrowNullable(heldBias);
            Tensor result = workspace.tensor(buffer, x.scalar_type(), x.size(0), matrix.size(0));
            return bias == null
                    ? torch.mm_out(result, x, matrix.t())
                    : torch.addmm_out(result, bias, x, matrix.t());
        }

        @Override
        public void addTo(Tensor sum, Tensor x, Scalar multiplier) {
            sum.addmm_(x, held.borrow().t(), new Scalar(1.0), multiplier);
            if (heldBias != null) {
                sum.add_(heldBias.borrow(), multiplier);
            }
        }

        @Override
        public void close() {
            held.close();
            if (heldBias != null) {
                heldBias.close();
            }
        }
    }
}
