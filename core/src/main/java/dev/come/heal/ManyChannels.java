package dev.come.heal;

import dev.come.calibration.Moments;
import dev.come.heal.Centred.Sums;
import dev.come.heal.PenaltySearch.Course;
import dev.come.heal.Ridge.Fit;
import dev.come.memory.Retained;
import dev.come.model.Workspace;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The {@link Ridge} regression of many channels, of which eigenvectors would take most of an hour. Each penalty that is tried
 * costs a Cholesky factor, so few are: the best one of a quarter of the channels tells where to begin, and derivatives tell
 * whether another is better. They are compared on some of the outputs, whose error is that of all but for a factor. No matrix of
 * the size of the sums of products is in memory beside them.
 */
final class ManyChannels {
    /** Outputs by which penalties are compared. */
    private static final long SOME = 128;

    /** Of so many channels one tells where to begin. */
    private static final long FEWER = 4;

    /** Rows that a thread multiplies at once. */
    private static final long ROWS = 256;

    private final Centred centred;
    private final Sums fitted;
    private final Sums heldOut;
    private final BlockCholesky matrix;
    private final Workspace workspace;

    /**
     * Tensors are those of the current PointerScope.
     *
     * @param fitted of which only the right half of the inputs is read, and what lies left of the diagonal blocks is overwritten
     */
    private ManyChannels(Centred centred, Sums fitted, Sums heldOut, Workspace workspace) {
        this.centred = centred;
        this.fitted = fitted;
        this.heldOut = heldOut;
        this.matrix = new BlockCholesky(fitted.inputs(), Moments.PANEL, workspace);
        this.workspace = workspace;
    }

    /** As {@link Ridge#best}. */
    static Optional<Fit> best(Moments fitted, Moments heldOut, boolean bias, Workspace workspace) {
        try (var _ = new PointerScope()) {
            Centred centred = new Centred(fitted, bias);
            Sums sums = centred.sums(fitted);
            Sums right = bias ? sums : new Sums(fitted.inputsToWorkIn(), sums.products(), sums.squares());
            return new ManyChannels(centred, right, centred.sums(heldOut), workspace)
                    .best(heldOut.error() * heldOut.rows());
        }
    }

    /** The fit of the best penalty, if the squares of the held out rows are less than these. */
    private Optional<Fit> best(double squares) {
        int best = bestPenalty();
        double lambda = Ridge.PATH.get(best);
        double outputs = fitted.products().size(1);
        double ofAll = error(lambda) * outputs / Math.min(SOME, outputs);
        if (!(ofAll < squares - heldOut.squares())) { // NaN, which is what could not be solved, is no gain
            return Optional.empty();
        }
        Tensor change = matrix.solve(fitted.products());
        return Optional.of(new Fit(Retained.of(centred.withConstant(change)), lambda));
    }

    private int bestPenalty() {
        return new PenaltySearch(Ridge.PATH.size(), Ridge.STEP, index -> course(Ridge.PATH.get(index))).best(start());
    }

    /** The best penalty of fewer channels. */
    private int start() {
        try (var _ = new PointerScope()) {
            Tensor upper = fewer(fitted.inputs()).triu();
            Sums few = new Sums(upper.add(upper.triu(1).t()), fewerRows(fitted.products()), fitted.squares());
            Sums fewHeldOut = new Sums(fewer(heldOut.inputs()), fewerRows(heldOut.products()), heldOut.squares());
            return upper.size(0) > Ridge.MOST_EIGENVECTORS
                    ? new ManyChannels(centred, few, fewHeldOut, workspace).bestPenalty()
                    : Ridge.least(new Ridge(centred, few).squares(fewHeldOut, workspace));
        }
    }

    private static Tensor fewer(Tensor inputs) {
        long channels = Math.ceilDiv(inputs.size(0), FEWER);
        return inputs.as_strided(new long[]{channels, channels},
                new long[]{FEWER * inputs.stride(0), FEWER * inputs.stride(1)}).contiguous();
    }

    private static Tensor fewerRows(Tensor products) {
        Tensor some = some(products);
        return some.as_strided(new long[]{Math.ceilDiv(some.size(0), FEWER), some.size(1)},
                new long[]{FEWER * some.stride(0), some.stride(1)}).contiguous();
    }

    /** By how much a penalty changes the squares of the held out rows over some outputs; NaN where it is too small to solve. */
    private double error(double lambda) {
        try (var _ = new PointerScope()) {
            if (!matrix.factorise(lambda * centred.unit())) {
                return Double.NaN;
            }
            Tensor change = matrix.solve(some(fitted.products()));
            Tensor wanted = some(heldOut.products());
            return dot(change, ofHeldOut(change).sub_(wanted, new Scalar(2)));
        }
    }

    /**
     * The same with its derivatives. With the change {@code W = (C + p)^-1 x'y}, the sums {@code H} and {@code Q} of held out rows
     * and {@code D = dW / dln p = -p (C + p)^-1 W} the error is {@code W'HW - 2 W'Q}, its slope {@code 2 D'(HW - Q)}, and
     * {@code dD / dln p = D - 2 p (C + p)^-1 D}.
     */
    private Optional<Course> course(double lambda) {
        double penalty = lambda * centred.unit();
        try (var _ = new PointerScope()) {
            if (!matrix.factorise(penalty)) {
                return Optional.empty();
            }
            Tensor change = matrix.solve(some(fitted.products()));
            Tensor wanted = some(heldOut.products());
            Tensor missed = ofHeldOut(change).sub_(wanted);
            Tensor first = matrix.solve(change).mul_(new Scalar(-penalty));
            Tensor second = matrix.solve(first).mul_(new Scalar(-2 * penalty)).add_(first);
            return Optional.of(new Course(
                    dot(change, missed) - dot(change, wanted),
                    2 * dot(first, missed),
                    2 * (dot(second, missed) + dot(first, ofHeldOut(first)))));
        }
    }

    private static double dot(Tensor one, Tensor other) {
        return one.mul(other).sum().item_double();
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
}
