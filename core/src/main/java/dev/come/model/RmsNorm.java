package dev.come.model;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** {@code x / sqrt(mean(x^2) + epsilon) * weight} for every row (Zhang and Sennrich 2019), always in float32. */
final class RmsNorm {
    private RmsNorm() {
    }

    /**
     * Norms rows.
     *
     * @param rows {@code (tokens, hidden)}, any type
     * @param weight {@code (hidden)}, float32
     * @return {@code (tokens, hidden)}, float32, in the workspace until the next norm
     */
    static Tensor of(Tensor rows, Tensor weight, double epsilon, Workspace workspace) {
        long tokens = rows.size(0);
        long hidden = rows.size(1);
        Tensor result = workspace.floats("norm", tokens, hidden);
        Tensor scale = workspace.floats("normScale", tokens, 1);
        torch.linalg_vector_norm_out(scale, rows, new Scalar(2.0), new long[]{1}, true,
                new ScalarTypeOptional(ScalarType.Float));
        scale.square_().mul_(new Scalar(1.0 / hidden)).add_(new Scalar(epsilon)).rsqrt_();
        torch.mul_out(result, rows, scale);
        return result.mul_(weight);
    }
}
