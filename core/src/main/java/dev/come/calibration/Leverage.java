package dev.come.calibration;

import dev.come.calibration.Calibration.Sensitivity;
import dev.come.failure.Shortage;
import dev.come.model.ModelConfig;
import dev.come.model.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Ridge leverage: how much of a channel its fellows do not tell. It is the diagonal of {@code C (C + penalty I)^-1}, C being the
 * second moments of the channels, so it lies between 0 and 1. All in float64.
 */
final class Leverage {
    /** The penalty as a part of the mean square of a channel. */
    private static final double PENALTY = 1e-2;

    private Leverage() {
    }

    /**
     * That of layers side by side.
     *
     * @param heads the moments of the channels of all heads, layer after layer
     * @param channels those of the feed-forward channels
     * @return by layer; of a key-value head the sum over the channels of its query heads
     */
    static List<Sensitivity> of(Moments heads, Moments channels, ModelConfig config) {
        double[] ofHeads = scores(heads);
        double[] ofChannels = scores(channels);
        int layers = ofChannels.length / config.intermediateSize();
        int width = config.groupSize() * config.headDim();
        List<Sensitivity> leverages = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            List<Double> groups = new ArrayList<>();
            for (int head = 0; head < config.keyValueHeads(); head++) {
                int start = (layer * config.keyValueHeads() + head) * width;
                groups.add(Arrays.stream(ofHeads, start, start + width).sum());
            }
            int start = layer * config.intermediateSize();
            leverages.add(new Sensitivity(groups,
                    Arrays.stream(ofChannels, start, start + config.intermediateSize()).boxed().toList()));
        }
        return leverages;
    }

    /** One for each channel; zeros where no channel ever says anything. */
    static double[] scores(Moments moments) {
        return Shortage.named(() -> "The leverage of " + moments.inputs().size(0) + " channels", () -> {
            try (var _ = new PointerScope()) {
                Tensor matrix = moments.inputs().clone();
                double penalty = PENALTY * matrix.diagonal().mean().item_double();
                if (penalty == 0) {
                    return new double[Math.toIntExact(matrix.size(0))];
                }
                matrix.diagonal().add_(new Scalar(penalty));
                Tensor factor = torch.linalg_cholesky(matrix);
                return Tensors.doubles(torch.cholesky_inverse(factor).diagonal().mul(new Scalar(-penalty))
                        .add(new Scalar(1.0)));
            }
        });
    }
}
