package dev.come.demo;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The AdamW optimizer (arXiv 1711.05101) for all weights of a model at once, which lie in one vector.
 */
final class AdamW implements AutoCloseable {
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.95;
    private static final double EPSILON = 1e-8;

    private final Tensor weights;
    private final double weightDecay;
    private final Tensor mean;
    private final Tensor square;
    private int steps;

    /** @param weights {@code (parameters)}, float32; changed in place by every step */
    AdamW(Tensor weights, double weightDecay) {
        this.weights = weights;
        this.weightDecay = weightDecay;
        try (var _ = new PointerScope()) {
            mean = torch.zeros_like(weights);
            square = torch.zeros_like(weights);
            mean.retainReference();
            square.retainReference();
        }
    }

    /** Takes one step against the gradient, {@code (parameters)}. */
    void step(Tensor gradient, double learningRate) {
        steps++;
        try (var _ = new PointerScope()) {
            mean.mul_(new Scalar(BETA1)).add_(gradient, new Scalar(1 - BETA1));
            square.mul_(new Scalar(BETA2)).addcmul_(gradient, gradient, new Scalar(1 - BETA2));
            double meanBias = 1 - StrictMath.pow(BETA1, steps);
            double squareBias = 1 - StrictMath.pow(BETA2, steps);
            Tensor size = square.div(new Scalar(squareBias)).sqrt_().add_(new Scalar(EPSILON));
            weights.mul_(new Scalar(1 - learningRate * weightDecay)).addcdiv_(mean, size,
                    new Scalar(-learningRate / meanBias));
        }
    }

    @Override
    public void close() {
        mean.releaseReference();
        square.releaseReference();
    }
}
