package dev.come.calibration;

import dev.come.FailedException;
import dev.come.model.Part;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Hands on measurements, and refuses those that are not numbers. Every comparison with such a value is false, so it
 * would silently win some choices and lose others. Methods that ask through this need not look.
 */
public final class CheckedCalibration implements Calibration {
    private final Calibration measuring;
    private final LayerPattern pattern;

    /** Checks what another one measures. */
    public CheckedCalibration(Calibration measuring) {
        this(measuring, LayerPattern.ANY);
    }

    /** The same for methods that are to keep a pattern. */
    public CheckedCalibration(Calibration measuring, LayerPattern pattern) {
        this.measuring = measuring;
        this.pattern = pattern;
    }

    @Override
    public LayerPattern pattern() {
        return pattern;
    }

    @Override
    public List<Double> blockInfluence(LayerStack stack) {
        return check(measuring.blockInfluence(stack), "block influence", stack);
    }

    @Override
    public List<Double> relativeMagnitude(LayerStack stack) {
        return check(measuring.relativeMagnitude(stack), "relative magnitude", stack);
    }

    @Override
    public List<Double> angularDistance(LayerStack stack, int width, Tokens tokens) {
        return check(measuring.angularDistance(stack, width, tokens), "angular distance", stack);
    }

    @Override
    public Sensitivity sensitivity(LayerStack stack, int position) {
        return check(measuring.sensitivity(stack, position), "sensitivity", stack, position);
    }

    @Override
    public List<Sensitivity> leverage(LayerStack stack, int position, Concatenated merged) {
        List<Sensitivity> leverages = measuring.leverage(stack, position, merged);
        for (int source = 0; source < leverages.size(); source++) {
            check(leverages.get(source), "leverage", stack, position + source);
        }
        return leverages;
    }

    private Sensitivity check(Sensitivity sensitivity, String what, LayerStack stack, int position) {
        for (int head = 0; head < sensitivity.keyValueHeads().size(); head++) {
            check(sensitivity.keyValueHeads().get(head), what + " of key-value head " + head, position, stack);
        }
        for (int channel = 0; channel < sensitivity.channels().size(); channel++) {
            check(sensitivity.channels().get(channel), what + " of channel " + channel, position, stack);
        }
        return sensitivity;
    }

    @Override
    public double loss(LayerStack stack) {
        return check(measuring.loss(stack), "loss of " + stack.tree());
    }

    @Override
    public SearchedLosses searchLosses(List<LayerStack> stacks, int exact) {
        SearchedLosses searched = measuring.searchLosses(stacks, exact);
        for (int i = 0; i < stacks.size(); i++) {
            check(searched.lowerBounds().get(i), "lower bound of the loss of " + stacks.get(i).tree());
            double loss = searched.losses().get(i);
            if (loss != Double.POSITIVE_INFINITY) { // what is not among the least has no loss
                check(loss, "loss of " + stacks.get(i).tree());
            }
        }
        long known = searched.losses().stream().filter(Double::isFinite).count();
        if (known < Math.min(exact, stacks.size())) {
            throw new FailedException("Of the losses of " + stacks.size() + " stacks, " + stacks.getFirst().tree()
                    + " the first, only " + known + " are numbers, where " + Math.min(exact, stacks.size())
                    + " should be; " + measuring.whyNotFinite());
        }
        return searched;
    }

    @Override
    public List<Double> errorsAfterRepair(LayerStack stack, List<Seam> seams) {
        List<Double> errors = measuring.errorsAfterRepair(stack, seams);
        for (int i = 0; i < errors.size(); i++) {
            check(errors.get(i), "error after a repair", seams.get(i).position(), stack);
        }
        return errors;
    }

    @Override
    public List<Double> divergences(List<LayerStack> stacks) {
        List<Double> divergences = measuring.divergences(stacks);
        for (int i = 0; i < divergences.size(); i++) {
            check(divergences.get(i), "divergence of " + stacks.get(i).tree());
        }
        return divergences;
    }

    @Override
    public Optional<Refit> refitted(LayerStack stack, int position) {
        return check(measuring.refitted(stack, position), stack, position);
    }

    @Override
    public Optional<Refit> compensated(LayerStack stack, int position, Together how) {
        return check(measuring.compensated(stack, position, how), stack, position);
    }

    private Optional<Refit> check(Optional<Refit> refitted, LayerStack stack, int position) {
        refitted.ifPresent(refit -> {
            check(refit.errorBefore(), "error before the refit", position, stack);
            check(refit.errorAfter(), "error after the refit", position, stack);
            refit.lambdas()
                    .forEach((part, lambda) -> check(lambda, "penalty of the refit of " + part, position, stack));
        });
        return refitted;
    }

    @Override
    public LayerStack settled(LayerStack stack) {
        return measuring.settled(stack);
    }

    @Override
    public List<Salience> magnitudes(LayerStack stack) {
        return checkRows(measuring.magnitudes(stack), "magnitude", stack);
    }

    @Override
    public List<Salience> gradientProducts(LayerStack stack, GradientOrder order) {
        return checkRows(measuring.gradientProducts(stack, order), "product of weight and gradient", stack);
    }

    @Override
    public List<double[][]> pooledStates(LayerStack stack) {
        List<double[][]> pooled = measuring.pooledStates(stack);
        for (int position = 0; position < pooled.size(); position++) {
            for (int sequence = 0; sequence < pooled.get(position).length; sequence++) {
                // A sum is finite only if all of its terms are.
                check(Arrays.stream(pooled.get(position)[sequence]).sum(), "pooled state of sequence " + sequence,
                        position, stack);
            }
        }
        return pooled;
    }

    @Override
    public double similarity(LayerStack stack, LayerStack reference) {
        return check(measuring.similarity(stack, reference),
                "similarity of " + stack.tree() + " to " + reference.tree());
    }

    @Override
    public String whyNotFinite() {
        return measuring.whyNotFinite();
    }

    @Override
    public void focus(LayerStack stack) {
        measuring.focus(stack);
    }

    private List<Double> check(List<Double> values, String what, LayerStack stack) {
        for (int position = 0; position < values.size(); position++) {
            check(values.get(position), what, position, stack);
        }
        return values;
    }

    private List<Salience> checkRows(List<Salience> layers, String what, LayerStack stack) {
        for (int position = 0; position < layers.size(); position++) {
            for (Map.Entry<Part, double[]> weights : layers.get(position).weights().entrySet()) {
                check(Arrays.stream(weights.getValue()).sum(), what + " of " + weights.getKey(), position, stack);
            }
        }
        return layers;
    }

    private void check(double value, String what, int position, LayerStack stack) {
        check(value, what + " at position " + position + " of " + stack.tree());
    }

    private double check(double value, String what) {
        if (!Double.isFinite(value)) {
            throw new FailedException("The " + what + " is " + value
                    + ", which is no measurement; " + measuring.whyNotFinite());
        }
        return value;
    }
}
