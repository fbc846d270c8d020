package dev.come.calibration;

import dev.come.calibration.Calibration.Salience;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.Tensors;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Sums of absolute values by row, in float64, of everything in a layer but biases. */
final class Saliences {
    /** Elements at a time, so that wide copies stay small. */
    private static final long ELEMENTS = 1 << 20;

    private Saliences() {
    }

    /** Of the weights. */
    static Salience magnitudes(LayerWeights weights) {
        return new Salience(each(weights, (_, tensor) -> rowSums(tensor, tensor.new_ones(1))));
    }

    /** By part of the products of the weights with tensors of the same shapes. */
    static Map<Part, double[]> products(LayerWeights weights, Map<Part, Tensor> factors) {
        return each(weights, (part, tensor) -> {
            Tensor factor = factors.get(part);
            if (factor == null) {
                throw new IllegalArgumentException("no factor for " + part);
            }
            return rowSums(tensor, factor);
        });
    }

    private static Map<Part, double[]> each(LayerWeights weights, BiFunction<Part, Tensor, double[]> sums) {
        Map<Part, double[]> result = new EnumMap<>(Part.class);
        parts(weights).forEach(part -> result.put(part, sums.apply(part, weights.get(part))));
        return result;
    }

    /** The parts of a layer that count, in their order. */
    static List<Part> parts(LayerWeights weights) {
        return weights.asMap().keySet().stream().filter(part -> !part.isBias() && part.isLearned()).sorted().toList();
    }

    /** The sums of |x * factor| over each row of a matrix; of a vector, each element is a row. */
    private static double[] rowSums(Tensor x, Tensor factor) {
        int rows = Math.toIntExact(x.size(0));
        long columns = x.numel() / rows;
        double[] sums = new double[rows];
        int step = Math.toIntExact(Math.clamp(ELEMENTS / columns, 1, rows));
        for (int start = 0; start < rows; start += step) {
            try (var _ = new PointerScope()) {
                int count = Math.min(step, rows - start);
                Tensor some = x.narrow(0, start, count).to(ScalarType.Double);
                Tensor factors = factor.numel() == 1 ? factor : factor.narrow(0, start, count);
                Tensor products = some.mul(factors.to(ScalarType.Double)).abs_().view(count, columns);
                System.arraycopy(Tensors.doubles(products.sum(1)), 0, sums, start, count);
            }
        }
        return sums;
    }
}
