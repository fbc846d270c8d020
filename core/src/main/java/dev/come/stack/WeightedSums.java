package dev.come.stack;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Tensors added up in float64, each with a factor. */
final class WeightedSums {
    private WeightedSums() {
    }

    /**
     * Adds up.
     *
     * @param tensors of one shape and any floating types
     * @param factors one for each
     */
    static Tensor of(List<Tensor> tensors, List<Double> factors) {
        Tensor sum = torch.zeros(tensors.getFirst().shape(), new TensorOptions(ScalarType.Double));
        for (int i = 0; i < tensors.size(); i++) {
            try (var _ = new PointerScope()) {
                sum.add_(tensors.get(i).to(ScalarType.Double), new Scalar(factors.get(i)));
            }
        }
        return sum;
    }
}
