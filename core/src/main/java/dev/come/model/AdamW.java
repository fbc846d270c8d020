package dev.come.model;

import dev.come.memory.Retained;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The AdamW optimizer (arXiv 1711.05101) for weights that lie in one vector. Its step is the engine's own,
 * {@code aten::_fused_adamw_}, which reads and writes each number once; the means of the gradients lie here, because a training
 * that is resumed needs them and the engine's class does not give them out in Java.
 */
public final class AdamW implements AutoCloseable {
    private static final NamedOperator STEP = NamedOperator.find("aten::_fused_adamw_").orElseThrow();
    private static final double BETA1 = 0.9;
    private static final double EPSILON = 1e-8;

    private final Tensor weights;
    private final double beta2;
    private final double weightDecay;
    private final long decayed;
    private final Retained<Tensor> mean;
    private final Retained<Tensor> square;
    private final Retained<Tensor> steps;

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
            Tensor means = torch.zeros_like(weights);
            Tensor squares = torch.zeros_like(weights);
            mean = Retained.of(means); // once there is room for all
            square = Retained.of(squares);
            steps = Retained.of(weights.new_zeros());
        }
    }

    /** Takes one step against the gradient, {@code (parameters)}. */
    public void step(Tensor gradient, double learningRate) {
        try (var _ = new PointerScope()) {
            steps.borrow().add_(new Scalar(1));
            step(0, decayed, weightDecay, gradient, learningRate);
            step(decayed, weights.numel(), 0, gradient, learningRate);
        }
    }

    private void step(long start, long end, double decay, Tensor gradient, double learningRate) {
        if (start < end) {
            IValue none = new IValue();
            IValue no = new IValue(false); // neither the variant AMSGrad nor a step up the gradient
            STEP.run(part(weights, start, end), part(gradient, start, end), part(mean.borrow(), start, end),
                    part(square.borrow(), start, end), new IValue(tensors()), list(steps.borrow()),
                    new IValue(learningRate),
                    new IValue(BETA1), new IValue(beta2), new IValue(decay), new IValue(EPSILON), no, no, none, none);
        }
    }

    private static IValue part(Tensor vector, long start, long end) {
        return list(vector.narrow(0, start, end - start));
    }

    private static IValue list(Tensor tensor) {
        GenericList list = tensors();
        list.push_back(new IValue(tensor));
        return new IValue(list);
    }

    private static GenericList tensors() {
        return STEP.noElements(0);
    }

    /** The mean of the gradients, {@code (parameters)}, float32. */
    public Tensor mean() {
        return mean.borrow();
    }

    /** The mean of the squared gradients, {@code (parameters)}, float32. */
    public Tensor square() {
        return square.borrow();
    }

    /** Goes on as after the given number of steps, which left these means. */
    public void restore(int taken, Tensor meanThen, Tensor squareThen) {
        try (var _ = new PointerScope()) {
            steps.borrow().fill_(new Scalar(taken));
            mean.borrow().copy_(meanThen);
            square.borrow().copy_(squareThen);
        }
    }

    @Override
    public void close() {
        mean.close();
        square.close();
        steps.close();
    }
}
