package dev.come.heal;

import dev.come.calibration.Moments;
import dev.come.memory.Retained;
import dev.come.model.Workspace;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Ridge regression with the penalty that serves other rows best. It finds the change of a projection that minimises
 * {@code sum |y - x change|^2 + penalty |change|^2} over some rows.
 *
 * <p>One factorisation serves all penalties. With {@code x'x = V diag(s) V'} the change is
 * {@code V diag(1 / (s + penalty)) V'x'y}, and its error on other rows is a quadratic form in the numbers {@code 1 / (s +
 * penalty)}, made once. All in float64.
 */
final class Ridge {
    /** Penalties as parts of the mean square of a channel, four to a decade. */
    static final List<Double> PATH = IntStream.rangeClosed(-24, 8).mapToObj(quarter -> Math.pow(10, quarter / 4.0))
            .toList();

    /** The natural logarithm of the ratio of two neighbours of the path. */
    static final double STEP = Math.log(10) / 4;

    private static final long BLOCK = 256;

    /** With more channels eigenvectors take longer than some Cholesky factors: 9.1 s for 3,072 of them, where those take 5.6. */
    static final long MOST_EIGENVECTORS = 2048;

    private final Centred centred;
    private final Tensor values;
    private final Tensor vectors;
    private final Tensor turned;

    /**
     * A change and how it was found.
     *
     * @param change {@code (channels, outputs)}, float64; whoever takes the fit closes it
     * @param lambda its penalty as a part of the mean square of a channel
     */
    record Fit(Retained<Tensor> change, double lambda) implements AutoCloseable {
        @Override
        public void close() {
            change.close();
        }
    }

    /**
     * Factorises. The tensors are those of the current PointerScope.
     *
     * @param fitted of the rows to fit; not zeros
     * @param bias whether the last channel is a constant, which is not penalised
     */
    Ridge(Moments fitted, boolean bias) {
        this(new Centred(fitted, bias), fitted);
    }

    private Ridge(Centred centred, Moments fitted) {
        this(centred, centred.sums(fitted));
    }

    /** The same of sums without the constant. */
    Ridge(Centred centred, Centred.Sums sums) {
        this.centred = centred;
        T_TensorTensor_T eigen = torch.linalg_eigh(sums.inputs());
        this.values = eigen.get0().clamp_min(new Scalar(0.0)); // rounding can leave less than nothing
        this.vectors = eigen.get1();
        this.turned = vectors.t().mm(sums.products());
    }

    /**
     * Finds the best change.
     *
     * @param fitted of the rows to fit
     * @param heldOut of the rows to choose the penalty by
     * @param bias whether the last channel is a constant, which is not penalised
     * @return nothing if no penalty makes the error of the held out rows less than it is without a change
     */
    static Optional<Fit> best(Moments fitted, Moments heldOut, boolean bias, Workspace workspace) {
        double unit = Centred.meanSquare(fitted, bias);
        if (!(unit > 0 && unit < Double.POSITIVE_INFINITY)) {
            return Optional.empty();
        }
        if (fitted.inputs().size(0) > MOST_EIGENVECTORS) {
            return ManyChannels.best(fitted, heldOut, bias, workspace);
        }
        try (var _ = new PointerScope()) {
            Ridge ridge = new Ridge(fitted, bias);
            double[] errors = ridge.errors(heldOut, workspace);
            int best = least(errors);
            if (!(errors[best] < heldOut.error())) {
                return Optional.empty();
            }
            return Optional.of(new Fit(Retained.of(ridge.change(PATH.get(best))), PATH.get(best)));
        }
    }

    /** The place of the least error, of equal ones that of the greatest penalty. */
    static int least(double[] errors) {
        int best = errors.length - 1;
        double least = Double.POSITIVE_INFINITY;
        for (int i = errors.length - 1; i >= 0; i--) {
            if (errors[i] < least) {
                best = i;
                least = errors[i];
            }
        }
        return best;
    }

    /**
     * The change for one penalty, {@code (channels, outputs)}.
     *
     * @param lambda as a part of the mean square of a channel
     */
    Tensor change(double lambda) {
        return centred.withConstant(
                vectors.mm(turned.div(values.add(new Scalar(lambda * centred.unit())).unsqueeze(1))));
    }

    /** For each penalty of {@link #PATH} the mean of |y - x change|^2 over other rows. */
    double[] errors(Moments others, Workspace workspace) {
        return DoubleStream.of(squares(centred.sums(others), workspace)).map(sum -> sum / others.rows()).toArray();
    }

    /** The same for the sum over rows without the constant. */
    double[] squares(Centred.Sums sums, Workspace workspace) {
        Tensor slope = turned.mul(vectors.t().mm(sums.products())).sum(1);
        Tensor form = torch.empty(new long[]{values.size(0), values.size(0)}, values.options(),
                new MemoryFormatOptional());
        int blocks = Math.toIntExact((values.size(0) + BLOCK - 1) / BLOCK);
        workspace.share(blocks, (block, _) -> {
            long start = block * BLOCK;
            long size = Math.min(BLOCK, values.size(0) - start);
            Tensor turnedOthers = vectors.t().mm(sums.inputs().mm(vectors.narrow(1, start, size)));
            form.narrow(1, start, size).copy_(turnedOthers.mul_(turned.mm(turned.narrow(0, start, size).t())));
        });
        return PATH.stream().mapToDouble(lambda -> {
            Tensor factors = values.add(new Scalar(lambda * centred.unit())).reciprocal_();
            Tensor gradient = form.mv(factors).sub_(slope, new Scalar(2));
            return sums.squares() + factors.dot(gradient).item_double();
        }).toArray();
    }
}
