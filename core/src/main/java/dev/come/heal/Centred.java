package dev.come.heal;

import dev.come.calibration.Moments;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * What a fit penalises: channels, but not the constant that stands for a bias. Where there is one, rows are taken less the means
 * of the fitted ones, which gives the same change, and the constant follows from it. Tensors are those of the current
 * PointerScope.
 */
final class Centred {
    private final double unit;
    private final @Nullable Means means;

    /** Of the channels, and of the outputs. */
    private record Means(Tensor x, Tensor y) {
        static Means of(Moments moments) {
            Tensor sums = constant(moments.inputs());
            Tensor count = sums.select(0, sums.size(0) - 1);
            return new Means(sums.narrow(0, 0, sums.size(0) - 1).div(count), constant(moments.products()).div(count));
        }
    }

    /**
     * Sums of products of rows, without the constant.
     *
     * @param inputs of channels with channels
     * @param products of channels with outputs
     * @param squares of the outputs
     */
    record Sums(Tensor inputs, Tensor products, double squares) {}

    /**
     * Takes means.
     *
     * @param fitted of the rows to fit; not zeros
     * @param bias whether the last channel is a constant
     */
    Centred(Moments fitted, boolean bias) {
        this.unit = meanSquare(fitted, bias);
        this.means = bias ? Means.of(fitted) : null;
    }

    static double meanSquare(Moments moments, boolean bias) {
        try (var _ = new PointerScope()) {
            Tensor diagonal = moments.inputs().diagonal();
            return diagonal.narrow(0, 0, diagonal.size(0) - (bias ? 1 : 0)).mean().item_double();
        }
    }

    /** The mean square of a channel; penalties are given as parts of it. */
    double unit() {
        return unit;
    }

    /** Those of rows, less the means of the fitted ones. Without a bias these are the tensors of the moments. */
    Sums sums(Moments moments) {
        double squares = moments.error() * moments.rows();
        if (means == null) {
            return new Sums(moments.inputs(), moments.products(), squares);
        }
        Tensor x = means.x;
        Tensor y = means.y;
        long channels = x.size(0);
        Tensor sumsOfX = constant(moments.inputs()).narrow(0, 0, channels);
        Tensor sumsOfY = constant(moments.products());
        double count = constant(moments.inputs()).select(0, channels).item_double();
        Tensor inputs = moments.inputs().narrow(0, 0, channels).narrow(1, 0, channels).sub(sumsOfX.outer(x))
                .sub_(x.outer(sumsOfX)).add_(x.outer(x), new Scalar(count));
        Tensor products = moments.products().narrow(0, 0, channels).sub(sumsOfX.outer(y)).sub_(x.outer(sumsOfY))
                .add_(x.outer(y), new Scalar(count));
        return new Sums(inputs, products,
                squares - 2 * y.dot(sumsOfY).item_double() + count * y.dot(y).item_double());
    }

    /** The change with that of the constant, where there is one. */
    Tensor withConstant(Tensor change) {
        if (means == null) {
            return change;
        }
        Tensor ofConstant = means.y.sub(change.t().mv(means.x));
        return torch.cat(new TensorVector(change, ofConstant.unsqueeze(0)), 0);
    }

    /** The sums of products with the constant, which is the last channel. */
    private static Tensor constant(Tensor sums) {
        return sums.select(0, sums.size(0) - 1);
    }
}
