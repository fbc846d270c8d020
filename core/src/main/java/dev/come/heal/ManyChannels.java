package dev.come.heal;

import dev.come.calibration.Moments;
import dev.come.heal.Ridge.Fit;
import dev.come.memory.Retained;
import dev.come.model.Workspace;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The {@link Ridge} regression of many channels, of which eigenvectors would take most of an hour. Each penalty that is tried
 * costs a Cholesky factor, so few are: seven of 33, by Fibonacci search. They are compared on some of the outputs, whose error is
 * that of all but for a factor. No matrix of the size of the sums of products is in memory beside them.
 */
final class ManyChannels {
    /** Outputs by which penalties are compared. */
    private static final long SOME = 256;

    /** Rows that a thread multiplies at once. */
    private static final long ROWS = 256;

    private final Centred centred;
    private final Tensor products;
    private final BlockCholesky matrix;
    private final Centred.Sums heldOut;
    private final Workspace workspace;
    private final Map<Integer, OptionalDouble> known = new HashMap<>();

    /** Tensors are those of the current PointerScope. */
    private ManyChannels(Moments fitted, Moments heldOut, boolean bias, Workspace workspace) {
        this.centred = new Centred(fitted, bias);
        this.heldOut = centred.sums(heldOut);
        Centred.Sums sums = centred.sums(fitted);
        this.products = sums.products();
        this.matrix = new BlockCholesky(bias ? sums.inputs() : fitted.inputsToWorkIn(), Moments.PANEL, workspace);
        this.workspace = workspace;
    }

    /** As {@link Ridge#best}. */
    static Optional<Fit> best(Moments fitted, Moments heldOut, boolean bias, Workspace workspace) {
        try (var _ = new PointerScope()) {
            ManyChannels channels = new ManyChannels(fitted, heldOut, bias, workspace);
            int best = channels.bestPenalty();
            double outputs = fitted.products().size(1);
            double ofAll = channels.gained(best).orElse(Double.NaN) * outputs / Math.min(SOME, outputs);
            double ofMeans = heldOut.error() * heldOut.rows() - channels.heldOut.squares();
            if (!(ofAll < ofMeans)) { // NaN, which is what could not be solved, is no gain
                return Optional.empty();
            }
            double lambda = Ridge.PATH.get(best);
            return channels.solve(lambda, channels.products)
                    .map(change -> new Fit(Retained.of(channels.centred.withConstant(change)), lambda));
        }
    }

    /**
     * The best penalty of the path, where errors fall up to it and rise behind it. Two penalties divide what is left of the path; the
     * part beyond the worse one goes, and the better one divides the rest in its turn. Of equal ones the greater is better.
     */
    private int bestPenalty() {
        int smaller = 1;
        int larger = 1;
        while (smaller + larger <= Ridge.PATH.size()) {
            int both = smaller + larger;
            smaller = larger;
            larger = both;
        }
        int before = -1; // what is left lies behind it, and is one penalty less than the two numbers together
        while (larger > 1) {
            if (error(before + larger) <= error(before + smaller)) {
                before += smaller;
            }
            int rest = larger - smaller;
            larger = smaller;
            smaller = rest;
        }
        return before + 1;
    }

    private double error(int penalty) {
        return penalty < Ridge.PATH.size()
                ? gained(penalty).orElse(Double.POSITIVE_INFINITY)
                : Double.POSITIVE_INFINITY;
    }

    /** By how much a penalty changes the squares of the held out rows over some outputs; nothing where it is too small to solve. */
    private OptionalDouble gained(int penalty) {
        return known.computeIfAbsent(penalty, index -> {
            try (var _ = new PointerScope()) {
                Optional<Tensor> change = solve(Ridge.PATH.get(index), some(products));
                return change.map(weights -> OptionalDouble.of(weights.mul(ofHeldOut(weights)
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

    /** The products of the held out inputs with weights. */
    private Tensor ofHeldOut(Tensor weights) {
        Tensor inputs = heldOut.inputs();
        Tensor all = torch.empty_like(weights);
        workspace.share(Math.toIntExact(Math.ceilDiv(inputs.size(0), ROWS)), (piece, _) -> {
            long start = piece * ROWS;
            long size = Math.min(ROWS, inputs.size(0) - start);
            try (var _ = new PointerScope()) {
                torch.mm_out(all.narrow(0, start, size), inputs.narrow(0, start, size), weights);
            }
        });
        return all;
    }

    /** The change for one penalty; nothing where rounding leaves the matrix not positive. */
    private Optional<Tensor> solve(double lambda, Tensor right) {
        return matrix.factorise(lambda * centred.unit()) ? Optional.of(matrix.solve(right)) : Optional.empty();
    }
}
