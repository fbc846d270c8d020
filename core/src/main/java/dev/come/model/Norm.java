package dev.come.model;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The norm that a model puts on its rows.
 *
 * @param kind the formula
 * @param epsilon what keeps the divisor from zero
 */
public record Norm(Kind kind, double epsilon) {
    /** The formulas, for a row x. */
    public enum Kind {
        /** {@code x / sqrt(mean(x^2) + epsilon) * weight} (Zhang and Sennrich 2019). */
        RMS,
        /** The same with weights that are stored less one (Gemma). */
        RMS_PLUS_ONE,
        /** {@code (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias} (Ba et al. 2016). */
        LAYER,
        /** The same with weights that are stored less one (Nemotron). */
        LAYER_PLUS_ONE;

        /** Whether the mean is taken off, so that there may be a bias. */
        public boolean isCentred() {
            return this == LAYER || this == LAYER_PLUS_ONE;
        }

        boolean isPlusOne() {
            return this == RMS_PLUS_ONE || this == LAYER_PLUS_ONE;
        }
    }

    /** The stored weight as the fast norm takes it: float32, and by how much rows are really scaled. */
    Tensor scale(Tensor weight) {
        return scale(weight, ScalarType.Float);
    }

    /** By how much a norm with this stored weight scales each channel, in a wider type. */
    public Tensor scale(Tensor weight, ScalarType type) {
        Tensor wide = weight.to(type);
        return kind.isPlusOne() ? wide.add(new Scalar(1.0)) : wide;
    }

    /** The stored weight that scales a channel by one. */
    public double one() {
        return kind.isPlusOne() ? 0 : 1;
    }

    /**
     * Norms rows in float32.
     *
     * @param rows {@code (tokens, width)}, any type
     * @param scale {@code (width)}, float32, from {@link #scale}
     * @param bias {@code (width)}, float32; only layer norms have one
     * @return {@code (tokens, width)}, float32, in the workspace until the next norm
     */
    Tensor of(Tensor rows, Tensor scale, @Nullable Tensor bias, Workspace workspace) {
        Tensor result = workspace.floats("norm", rows.size(0), rows.size(1));
        if (kind.isCentred()) {
            try (var _ = new PointerScope()) {
                result.copy_(torch.layer_norm(rows.to(ScalarType.Float), new long[]{rows.size(1)},
                        new TensorOptional(scale), bias == null ? new TensorOptional() : new TensorOptional(bias),
                        epsilon, true));
            }
            return result;
        }
        torch.mul_out(result, rows, inverseRootMeanSquare(rows, workspace));
        return result.mul_(scale);
    }

    /**
     * Norms each head of each row in place, without a bias.
     *
     * @param heads {@code (tokens, heads, width)}, float32
     * @param scale {@code (width)}, float32, from {@link #scale}
     */
    void inPlace(Tensor heads, Tensor scale, Workspace workspace) {
        heads.mul_(inverseRootMeanSquare(heads, workspace)).mul_(scale);
    }

    /** One over the root of the mean square along the last dimension, which is kept with size 1. */
    private Tensor inverseRootMeanSquare(Tensor x, Workspace workspace) {
        int last = Math.toIntExact(x.dim()) - 1;
        long[] shape = x.shape();
        long width = shape[last];
        shape[last] = 1;
        Tensor scale = workspace.floats("normScale", shape);
        torch.linalg_vector_norm_out(scale, x, new Scalar(2.0), new long[]{last}, true,
                new ScalarTypeOptional(ScalarType.Float));
        // The mean and what is added to it in one operation: with few rows the calls are what costs.
        return torch.addcmul_out(scale, workspace.number(epsilon), scale, scale, new Scalar(1.0 / width)).rsqrt_();
    }

    /** The same in the plainest operations, for any type and number of dimensions, from the stored weight. */
    public Tensor plain(Tensor x, Tensor weight, @Nullable Tensor bias) {
        long last = x.dim() - 1;
        Tensor scale = kind.isPlusOne() ? weight.add(new Scalar(1.0)) : weight;
        if (kind.isCentred()) {
            Tensor centred = x.sub(mean(x, last));
            Tensor normed = centred.mul(mean(centred.square(), last).add(new Scalar(epsilon)).rsqrt()).mul(scale);
            return bias == null ? normed : normed.add(bias);
        }
        Tensor normed = x.mul(mean(x.square(), last).add(new Scalar(epsilon)).rsqrt());
        return normed.mul(scale);
    }

    private static Tensor mean(Tensor x, long dimension) {
        return x.mean(dimension).unsqueeze(dimension);
    }
}
