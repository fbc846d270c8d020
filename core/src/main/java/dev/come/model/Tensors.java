package dev.come.model;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Numbers out of tensors. */
public final class Tensors {
    private Tensors() {
    }

    /** All elements in order, as float32. */
    public static float[] floats(Tensor tensor) {
        Tensor plain = tensor.to(ScalarType.Float).cpu().contiguous();
        float[] values = new float[Math.toIntExact(plain.numel())];
        new FloatPointer(plain.data_ptr()).get(values);
        return values;
    }

    /** All elements in order; what is not zero is true. */
    static boolean[] booleans(Tensor tensor) {
        float[] numbers = floats(tensor);
        boolean[] values = new boolean[numbers.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = numbers[i] != 0;
        }
        return values;
    }

    /** All elements in order, as float64. */
    public static double[] doubles(Tensor tensor) {
        Tensor plain = tensor.to(ScalarType.Double).cpu().contiguous();
        double[] values = new double[Math.toIntExact(plain.numel())];
        new DoublePointer(plain.data_ptr()).get(values);
        return values;
    }
}
