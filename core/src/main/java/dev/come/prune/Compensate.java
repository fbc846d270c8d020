package dev.come.prune;

import dev.come.calibration.Calibration;
import dev.come.calibration.Calibration.Refit;
import dev.come.calibration.Calibration.Together;
import dev.come.model.Part;
import java.util.List;
import java.util.Optional;

/**
 * Whether what a merged layer leaves out is folded into what it keeps, and what it shall give then. A definition of this
 * project.
 */
public enum Compensate {
    /** It is lost, as in the paper. */
    NONE,
    /** What its sources give side by side on its input. */
    PARALLEL,
    /** What its sources give one after the other on its input. */
    SEQUENCE;

    private static final double NOT_TAKEN = Double.POSITIVE_INFINITY;

    /** A merge, with new weights if they bring the layer nearer to what it shall give, and what that came to. */
    PruningStep after(PruningStep merge, Calibration calibration) {
        return switch (this) {
            case NONE -> merge;
            case PARALLEL -> after(merge, Together.PARALLEL, calibration);
            case SEQUENCE -> after(merge, Together.SEQUENCE, calibration);
        };
    }

    private static PruningStep after(PruningStep merge, Together how, Calibration calibration) {
        Optional<Refit> refit = calibration.compensated(merge.stack(), merge.position(), how);
        merge.scores().put("compensation_error_before_after",
                refit.map(one -> List.of(one.errorBefore(), one.errorAfter())).orElse(List.of()));
        merge.scores().put("compensation_lambda_o_down",
                refit.map(one -> List.of(one.lambdas().getOrDefault(Part.OUTPUT, NOT_TAKEN),
                        one.lambdas().getOrDefault(Part.DOWN, NOT_TAKEN))).orElse(List.of()));
        return merge.with(calibration.settled(refit.map(Refit::stack).orElse(merge.stack())));
    }
}
