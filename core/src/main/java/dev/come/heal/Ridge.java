package dev.come.heal;

import dev.come.calibration.Moments;
import dev.come.model.Workers;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Ridge regression: the change of a projection that minimises {@code sum |y - x change|^2 + penalty |change|^2} over some
 * rows, with the penalty that serves other rows best. All in float64, by Cholesky factors.
 */
final class Ridge {
    /** Penalties by decades, as parts of the mean square of a channel; then come those half a decade beside the best. */
    static final List<Double> PATH = IntStream.rangeClosed(-5, 1).mapToObj(decade -> Math.pow(10, decade)).toList();

    /** Of these so many are only tried if the lowest of the others was the best, or none of them was any good. */
    private static final int LOW = 3;

    private static final double HALF_DECADE = Math.sqrt(10);

    private Ridge() {
    }

    /**
     * A change and how it was found.
     *
     * @param change {@code (channels, outputs)}, float64, retained: whoever takes it releases it
     * @param lambda its penalty as a part of the mean square of a channel
     * @param error the mean of |y - x change|^2 over the rows that did not take part in the fit
     */
    record Fit(Tensor change, double lambda, double error) {}

    /**
     * Finds the best change.
     *
     * @param fitted of the rows to fit
     * @param heldOut of the rows to choose the penalty by
     * @param bias whether the last channel is a constant, which is not penalised
     * @return nothing if no penalty makes the error of the held out rows less than it is without a change
     */
    static Optional<Fit> best(Moments fitted, Moments heldOut, boolean bias, Workers workers) {
        Best best = new Best(heldOut.error());
        tryAll(PATH.subList(LOW, PATH.size()), best, fitted, heldOut, bias, workers);
        if (best.fit == null || best.fit.lambda == PATH.get(LOW)) {
            tryAll(PATH.subList(0, LOW), best, fitted, heldOut, bias, workers);
        }
        if (best.fit != null) {
            double middle = best.fit.lambda;
            tryAll(List.of(middle / HALF_DECADE, middle * HALF_DECADE), best, fitted, heldOut, bias, workers);
        }
        return Optional.ofNullable(best.fit);
    }

    private static void tryAll(List<Double> lambdas, Best best, Moments fitted, Moments heldOut, boolean bias,
            Workers workers) {
        workers.forEach(lambdas.size(), (index, _) -> {
            Tensor change = solve(fitted, lambdas.get(index), bias);
            if (change != null) {
                best.offer(change, lambdas.get(index), heldOut.error(change));
            }
        });
    }

    /**
     * The change for one penalty.
     *
     * @param lambda as a part of the mean square of a channel
     * @return of the current PointerScope; null where rounding leaves no positive definite matrix
     */
    static @Nullable Tensor solve(Moments moments, double lambda, boolean bias) {
        Tensor matrix = moments.inputs().clone();
        Tensor diagonal = matrix.diagonal();
        Tensor penalised = bias ? diagonal.narrow(0, 0, diagonal.size(0) - 1) : diagonal;
        penalised.add_(new Scalar(lambda * penalised.mean().item_double()));
        T_TensorTensor_T factor = torch.linalg_cholesky_ex(matrix, false, false);
        if (factor.get1().item_int() != 0) {
            return null;
        }
        return torch.cholesky_solve(moments.products(), factor.get0(), false);
    }

    /** The least error so far; of equal ones the one with the greater penalty, whoever comes first. */
    private static final class Best {
        private double error;
        private @Nullable Fit fit;

        Best(double error) {
            this.error = error;
        }

        synchronized void offer(Tensor change, double lambda, double found) {
            boolean better = found < error || (fit != null && found == error && lambda > fit.lambda);
            if (!better) {
                return;
            }
            if (fit != null) {
                fit.change.releaseReference();
            }
            change.retainReference();
            error = found;
            fit = new Fit(change, lambda, found);
        }
    }
}
