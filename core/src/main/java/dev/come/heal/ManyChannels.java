package dev.come.heal;

import dev.come.calibration.Moments;
import dev.come.heal.Ridge.Fit;
import dev.come.memory.Retained;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The {@link Ridge} regression of many channels, of which eigenvectors would take most of an hour. Each penalty that is tried
 * costs a Cholesky factor, so few are: those that halve the step of a search. They are compared on some of the outputs, whose
 * error is that of all but for a factor. Beside the sums of products one matrix of their size is in memory.
 */
final class ManyChannels {
    /** Outputs by which penalties are compared. */
    private static final long SOME = 256;

    /** From the middle of the path every penalty can be reached. */
    private static final List<Integer> STEPS = List.of(8, 4, 2, 1, 1);

    private final Centred centred;
    private final Centred.Sums fitted;
    private final Centred.Sums heldOut;
    private final Map<Integer, OptionalDouble> known = new HashMap<>();

    /** Tensors are those of the current PointerScope. */
    private ManyChannels(Moments fitted, Moments heldOut, boolean bias) {
        this.centred = new Centred(fitted, bias);
        this.fitted = centred.sums(fitted);
        this.heldOut = centred.sums(heldOut);
    }

    /** As {@link Ridge#best}. */
    static Optional<Fit> best(Moments fitted, Moments heldOut, boolean bias) {
        try (var _ = new PointerScope()) {
            ManyChannels channels = new ManyChannels(fitted, heldOut, bias);
            int best = channels.bestPenalty();
            double outputs = fitted.products().size(1);
            double ofAll = channels.gained(best).orElse(Double.NaN) * outputs / Math.min(SOME, outputs);
            double ofMeans = heldOut.error() * heldOut.rows() - channels.heldOut.squares();
            if (!(ofAll < ofMeans)) { // NaN, which is what could not be solved, is no gain
                return Optional.empty();
            }
            double lambda = Ridge.PATH.get(best);
            return channels.solve(lambda, channels.fitted.products())
                    .map(change -> new Fit(Retained.of(channels.centred.withConstant(change)), lambda));
        }
    }

    /** Goes from the middle of the path to the better side, by half of each step before. */
    private int bestPenalty() {
        int best = Ridge.PATH.size() / 2;
        for (int step : STEPS) {
            int middle = best;
            for (int other : new int[]{middle - step, middle + step}) {
                double here = gained(best).orElse(Double.POSITIVE_INFINITY);
                // Of equal ones the greatest penalty.
                double there = gained(other).orElse(Double.POSITIVE_INFINITY);
                if (there < here || (there == here && other > best)) {
                    best = other;
                }
            }
        }
        return best;
    }

    /** By how much a penalty changes the squares of the held out rows over some outputs; nothing where it is too small to solve. */
    private OptionalDouble gained(int penalty) {
        return known.computeIfAbsent(penalty, index -> {
            try (var _ = new PointerScope()) {
                Optional<Tensor> change = solve(Ridge.PATH.get(index), some(fitted.products()));
                return change.map(weights -> OptionalDouble.of(weights.mul(heldOut.inputs().mm(weights)
                        .sub_(some(heldOut.products()), new Scalar(2))).sum().item_double()))
                        .orElse(OptionalDouble.empty());
            }
        });
    }

    /** Some of the outputs, spread evenly. */
    private static Tensor some(Tensor products) {
        long outputs = products.size(1);
        long taken = Math.min(SOME, outputs);
        return products.as_strided(new long[]{products.size(0), taken},
                new long[]{products.stride(0), products.stride(1) * (outputs / taken)}).contiguous();
    }

    /** The change for one penalty; nothing where rounding leaves the matrix not positive. */
    private Optional<Tensor> solve(double lambda, Tensor products) {
        Tensor matrix = fitted.inputs().clone();
        matrix.diagonal().add_(new Scalar(lambda * centred.unit()));
        // The transpose of a symmetric matrix lies in memory as the library wants its result, which so takes no more.
        Tensor factor = matrix.t();
        Tensor info = torch.empty(new long[0], new TensorOptions(ScalarType.Int), new MemoryFormatOptional());
        torch.linalg_cholesky_ex_out(factor, info, factor);
        return info.item_int() == 0 ? Optional.of(torch.cholesky_solve(products, factor)) : Optional.empty();
    }
}
