package dev.come.checkpoint;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Tells numbers from what a damaged file, or a sum that is too large, has in their place. */
public final class FiniteNumbers {
    private FiniteNumbers() {
    }

    /** Whether no element of a tensor is infinite or NaN. */
    public static boolean fill(Tensor tensor) {
        if (tensor.numel() == 0) {
            return true;
        }
        try (var _ = new PointerScope()) {
            // NaN is the least and the largest of what it is among. isfinite takes ten times as long, and copies.
            T_TensorTensor_T ends = torch.aminmax(tensor);
            return Double.isFinite(ends.get0().item_double()) && Double.isFinite(ends.get1().item_double());
        }
    }
}
