package dev.come.calibration;

import dev.come.calibration.Calibration.Seam;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Predicts what repairs leave, as {@link Calibration#errorsAfterRepair} tells. The regression is solved by the products of tokens
 * with each other instead of channels with each other, which gives the same: there are far fewer tokens here. What was found for
 * two layers holds for every stack that begins with the same ones.
 */
final class SeamErrors {
    /** Tokens to fit on; those that the errors are measured on are half as many. */
    private static final int TOKENS = 1024;
    /** As parts of the mean square of a channel. */
    private static final double[] PENALTIES = {1e-3, 1e-2, 1e-1, 1};

    private final Map<Known, Double> known = new HashMap<>();

    /** @param beginning the layers up to and with both */
    private record Known(LayerStack beginning, Seam seam) {
        static Known of(LayerStack stack, Seam seam) {
            return new Known(new LayerStack(stack.window(0, seam.end())), seam);
        }
    }

    /** How many layers are run over all chunks. */
    long runs(LayerStack stack, List<Seam> seams) {
        return IntStream.range(0, stack.size()).filter(layer -> isWanted(stack, seams, layer)).count();
    }

    private boolean isWanted(LayerStack stack, List<Seam> seams, int layer) {
        return open(stack, seams, layer).findAny().isPresent() || (layer > 0
                && open(stack, seams, layer - 1).anyMatch(seam -> seam.merged().isPresent()));
    }

    /** Those whose first layer is at a position, and that are not known. */
    private Stream<Seam> open(LayerStack stack, List<Seam> seams, int position) {
        return seams.stream()
                .filter(seam -> seam.position() == position && !known.containsKey(Known.of(stack, seam)));
    }

    /**
     * Predicts.
     *
     * @param boundaries the states before the first layer and after each, by chunk
     * @param on the tokens that fits see and that penalties are chosen by
     */
    List<Double> of(LayerStack stack, List<Seam> seams, List<List<State>> boundaries, RefittedLayers on,
            LayerRunner runner, StateStore states) {
        known.keySet().removeIf(one -> one.beginning.size() > stack.size()
                || !one.beginning.equals(new LayerStack(stack.window(0, one.beginning.size()))));
        SampledRows sample = SampledRows.of(on.chunksForFits(), on.fitted(), TOKENS);
        try (Opening opening = new Opening()) {
            Writes second = null;
            for (int layer = stack.size() - 1; layer >= 0; layer--) {
                Writes first = null;
                if (isWanted(stack, seams, layer)) {
                    first = Writes.of(stack.get(layer), sample, boundaries.get(layer), runner, states,
                            on.chunksForFits());
                    opening.add(first::close);
                    predict(stack, open(stack, seams, layer).distinct().toList(), first, second, boundaries, sample,
                            runner,
                            states);
                }
                if (second != null) {
                    second.close();
                }
                second = first;
            }
        }
        return seams.stream().map(seam -> Objects.requireNonNull(known.get(Known.of(stack, seam)))).toList();
    }

    /** @param second what the layer after it writes from; needed where both are merged */
    private void predict(LayerStack stack, List<Seam> seams, Writes first, @Nullable Writes second,
            List<List<State>> boundaries, SampledRows sample, LayerRunner runner, StateStore states) {
        try (var _ = new PointerScope()) {
            List<Repair> repairs = new ArrayList<>();
            for (Seam seam : seams) {
                Missing update = Missing.of(sample.of(boundaries.get(seam.end()), states),
                        sample.of(boundaries.get(seam.position()), states), TokenWeights.NORM, 0);
                repairs.add(Repair.of(seam, stack, first, second, update, runner.store()));
            }
            double[] errors = new double[seams.size()];
            runner.workers().forEach(seams.size(), (index, _) -> errors[index] = Shortage.named(
                    () -> "Predicting a repair", () -> error(repairs.get(index), sample.fitted())));
            for (int i = 0; i < errors.length; i++) {
                known.put(Known.of(stack, seams.get(i)), errors[i]);
            }
        }
    }

    /**
     * The least error over the penalties, and without a repair.
     *
     * @param fitted how many of the rows are fitted on; the others are measured on
     */
    static double error(Repair repair, long fitted) {
        try (var _ = new PointerScope()) {
            long others = repair.x().size(0) - fitted;
            Tensor x = repair.x().narrow(0, 0, fitted);
            Tensor y = repair.missing().narrow(0, 0, fitted).to(ScalarType.Double);
            Tensor otherX = repair.x().narrow(0, fitted, others);
            Tensor otherY = repair.missing().narrow(0, fitted, others).to(ScalarType.Double);
            Tensor products = x.mm(x.t()).to(ScalarType.Double);
            Tensor crossed = otherX.mm(x.t()).to(ScalarType.Double);
            double unit = products.diagonal().sum().item_double() / x.size(1);
            double least = otherY.square().sum().item_double();
            if (unit > 0) {
                for (double penalty : PENALTIES) {
                    Tensor matrix = products.clone();
                    matrix.diagonal().add_(new Scalar(penalty * unit));
                    Tensor solved = torch.cholesky_solve(y, torch.linalg_cholesky(matrix));
                    least = Math.min(least, otherY.sub(crossed.mm(solved)).square().sum().item_double());
                }
            }
            return least / others;
        }
    }
}
