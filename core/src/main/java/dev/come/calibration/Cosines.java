package dev.come.calibration;

import dev.come.model.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Cosines between states, in float64: near 1 narrower types resolve them no finer than block influence itself. */
final class Cosines {
    /** Rows at a time, so that the wide copies stay in the cache. */
    private static final int ROWS = 256;

    private Cosines() {
    }

    /**
     * The cosine of each row of the one with the same row of the other; 0 where a row is zero. Rounding never takes it
     * beyond 1, where block influence would be negative.
     */
    static double[] between(Tensor first, Tensor second) {
        int rows = Math.toIntExact(first.size(0));
        double[] cosines = new double[rows];
        for (int start = 0; start < rows; start += ROWS) {
            try (var _ = new PointerScope()) {
                int count = Math.min(ROWS, rows - start);
                Tensor a = first.narrow(0, start, count).to(ScalarType.Double);
                Tensor b = second.narrow(0, start, count).to(ScalarType.Double);
                Tensor lengths = squaredLength(a).mul(squaredLength(b)).sqrt();
                Tensor cosine = a.mul(b).sum(1).div(lengths).clamp_max_(new Scalar(1.0))
                        .masked_fill_(lengths.eq(new Scalar(0.0)), new Scalar(0.0));
                System.arraycopy(Tensors.doubles(cosine), 0, cosines, start, count);
            }
        }
        return cosines;
    }

    private static Tensor squaredLength(Tensor rows) {
        return rows.mul(rows).sum(1);
    }

    /** The cosine of two tensors of the same shape, each taken as one vector; 0 where one is zero. */
    static double ofWholes(Tensor first, Tensor second) {
        double product = 0;
        double firstSquare = 0;
        double secondSquare = 0;
        int rows = Math.toIntExact(first.size(0));
        for (int start = 0; start < rows; start += ROWS) {
            try (var _ = new PointerScope()) {
                int count = Math.min(ROWS, rows - start);
                Tensor a = first.narrow(0, start, count).to(ScalarType.Double);
                Tensor b = second.narrow(0, start, count).to(ScalarType.Double);
                product += a.mul(b).sum().item_double();
                firstSquare += a.mul(a).sum().item_double();
                secondSquare += b.mul(b).sum().item_double();
            }
        }
        double lengths = Math.sqrt(firstSquare * secondSquare);
        return lengths == 0 ? 0 : Math.min(1, product / lengths);
    }
}
