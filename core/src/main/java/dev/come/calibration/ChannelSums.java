package dev.come.calibration;

import dev.come.model.LayerObserver;
import dev.come.model.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Sums of absolute activations by channel over the tokens of a chunk: float32 within a block of rows, float64 across. */
final class ChannelSums implements LayerObserver {
    private double[] attention = {};
    private double[] feedForward = {};

    @Override
    public void attentionOutput(Tensor x) {
        attention = add(attention, x);
    }

    @Override
    public void feedForwardChannels(Tensor x) {
        feedForward = add(feedForward, x);
    }

    /** By channel of the input of the output projection. */
    double[] attention() {
        return attention;
    }

    /** By channel of the input of the down projection. */
    double[] feedForward() {
        return feedForward;
    }

    private static double[] add(double[] sums, Tensor x) {
        try (var _ = new PointerScope()) {
            // Several times faster than the L1 norm along this dimension.
            double[] block = Tensors
                    .doubles(x.abs().sum(new long[]{0}, false, new ScalarTypeOptional(ScalarType.Float)));
            return sums(sums, block);
        }
    }

    /** Element by element; an empty array counts as zeros. */
    static double[] sums(double[] first, double[] second) {
        if (first.length == 0) {
            return second;
        }
        double[] sums = new double[first.length];
        for (int i = 0; i < sums.length; i++) {
            sums[i] = first[i] + second[i];
        }
        return sums;
    }
}
