package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class FiniteNumbersTests {
    @ParameterizedTest
    @EnumSource(mode = Mode.INCLUDE, names = {"F64", "F32", "F16", "BF16"})
    void whatIsNotFiniteIsFoundWhereverItIs(DType dtype) {
        long seed = System.nanoTime();
        System.out.println("FiniteNumbersTests: seed " + seed);
        Random random = new Random(seed);
        for (int size : new int[]{0, 1, 7, 63, 64, 65, 1000, 40_000}) {
            try (var _ = new PointerScope()) {
                Tensor tensor = torch.randn(new long[]{size}, new TensorOptions()).to(dtype.scalarType());
                assertThat(FiniteNumbers.fill(tensor)).isTrue();
                for (int i = 0; size > 0 && i < 20; i++) {
                    for (double value : new double[]{Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY}) {
                        Tensor other = tensor.clone();
                        int at = random.nextInt(size);
                        other.narrow(0, at, 1).fill_(new Scalar(value));
                        assertThat(FiniteNumbers.fill(other)).as(value + " at " + at + " of " + size).isFalse();
                        assertThat(FiniteNumbers.fill(other.view(1, size).t())).isFalse();
                    }
                }
            }
        }
    }
}
