package dev.come.model;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The activation of a layer's feed-forward part: a function of the model, or xIELU, whose numbers each layer has learned (Huang and
 * Schlag 2024, arXiv 2411.13010). For {@code x > 0} that is {@code p x^2 + b x}, otherwise {@code n (expm1(min(x, e)) - x) + b x}, where
 * {@code p = softplus(positive)} and {@code n = b + softplus(negative)}.
 */
sealed interface FeedForwardActivation {
    /** What configurations call xIELU. */
    String LEARNED = "xielu";

    /** The activation of a layer, made for speed. */
    static FeedForwardActivation of(ModelConfig config, LayerWeights weights) {
        return config.parts().contains(Part.ACTIVATION_POSITIVE)
                ? new Xielu(softplus(number(weights, Part.ACTIVATION_POSITIVE)),
                        number(weights, Part.ACTIVATION_SLOPE) + softplus(number(weights, Part.ACTIVATION_NEGATIVE)),
                        number(weights, Part.ACTIVATION_SLOPE), number(weights, Part.ACTIVATION_BOUND))
                : new Named(Activation.named(config.activation()));
    }

    /** The same in plain operations through which gradients flow, to the learned numbers too. */
    static Tensor plain(ModelConfig config, LayerWeights weights, Tensor x) {
        if (!config.parts().contains(Part.ACTIVATION_POSITIVE)) {
            return Activation.named(config.activation()).of(x);
        }
        Tensor slope = weights.get(Part.ACTIVATION_SLOPE);
        Tensor positive = torch.softplus(weights.get(Part.ACTIVATION_POSITIVE));
        Tensor negative = slope.add(torch.softplus(weights.get(Part.ACTIVATION_NEGATIVE)));
        Tensor below = torch.expm1(torch.minimum(x, weights.get(Part.ACTIVATION_BOUND))).sub(x);
        return torch.where(x.gt(new Scalar(0.0)), positive.mul(x).mul(x), below.mul(negative)).add(slope.mul(x));
    }

    /** Applies it to feed-forward channels in place. */
    void inPlace(Tensor x);

    /** A function that has no numbers of its own. */
    record Named(Activation activation) implements FeedForwardActivation {
        @Override
        public void inPlace(Tensor x) {
            activation.inPlace(x);
        }
    }

    /** xIELU with the numbers of a layer. */
    record Xielu(double positive, double negative, double slope, double bound) implements FeedForwardActivation {
        @Override
        public void inPlace(Tensor x) {
            Tensor above = x.square().mul_(new Scalar(positive));
            Tensor below = torch.clamp_max(x, new Scalar(bound)).expm1_().sub_(x).mul_(new Scalar(negative));
            Tensor curved = torch.where(x.gt(new Scalar(0.0)), above, below);
            x.mul_(new Scalar(slope)).add_(curved);
        }
    }

    private static double number(LayerWeights weights, Part part) {
        return Tensors.doubles(weights.get(part))[0];
    }

    private static double softplus(double x) {
        return Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0);
    }
}
