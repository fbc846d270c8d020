package dev.come.model;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The AdamW optimizer (arXiv 1711.05101) for weights that lie in one vector.
 */
public final class AdamW implements AutoCloseable {
    private static final double BETA1 = 0.9;
    private static final double EPSILON = 1e-8;

    private final Tensor weights;
    private final double beta2;
    private final double weightDecay;
    private final long decayed;
    private final Tensor mean;
    private final Tensor square;
    private int steps;

    /**
     * An optimizer that has taken no step.
     *
     * @param weights {@code (parameters)}, float32; changed in place by every step
     * @param beta2 how slowly the mean of the squared gradients changes
     * @param weightDecay how much of a weight goes with every step, before it is multiplied by the learning rate
     * @param decayed how many of the weights decay: the first ones
     */
    public AdamW(Tensor weights, double beta2, double weightDecay, long decayed) {
        this.weights = weights;
        this.beta2 = beta2;
        this.weightDecay = weightDecay;
        this.decayed = decayed;
        try (var _ = new PointerScope()) {
            mean = torch.zeros_like(weights);
            square = torch.zeros_like(weights);
            mean.retainReference();
            square.retainReference();
        }
    }

    /** Takes one step against the gradient, {@code (parameters)}. */
    public void step(Tensor gradient, double learningRate) {
        steps++;
        try (var _ = new PointerScope()) {
            mean.mul_(new Scalar(BETA1)).add_(gradient, new Scalar(1 - BETA1));
            square.mul_(new Scalar(beta2)).addcmul_(gradient, gradient, new Scalar(1 - beta2));
            double meanBias = 1 - StrictMath.pow(BETA1, steps);
            double squareBias = 1 - StrictMath.pow(beta2, steps);
            Tensor size = square.div(new Scalar(squareBias)).sqrt_().add_(new Scalar(EPSILON));
            weights.narrow(0, 0, decayed).mul_(new Scalar(1 - learningRate * weightDecay));
            weights.addcdiv_(mean, size, new Scalar(-learningRate / meanBias));
        }
    }

    /** The mean of the gradients, {@code (parameters)}, float32. */
    public Tensor mean() {
        return mean;
    }

    /** The mean of the squared gradients, {@code (parameters)}, float32. */
    public Tensor square() {
        return square;
    }

    /** Goes on as after so many steps, which left these means. */
    public void restore(int taken, Tensor meanThen, Tensor squareThen) {
        steps = taken;
        mean.copy_(meanThen);
        square.copy_(squareThen);
    }

    @Override
    public void close() {
        mean.releaseReference();
        square.releaseReference();
    }
}
