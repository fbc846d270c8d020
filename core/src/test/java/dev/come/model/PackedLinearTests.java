package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.come.NativeObjects;
import dev.come.TestDevice;
import dev.come.checkpoint.DType;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against products in float64, which {@link Linear.Plain} is held to likewise. */
class PackedLinearTests {
    private static final Compute BFLOAT16 = new Compute(DType.BF16, "cpu", 2);
    /** Half the distance of bfloat16 numbers, relative to them. */
    private static final double ROUNDING = 0x1p-8;

    private static void assumePacking() {
        assumeTrue(PackedLinear.possible(BFLOAT16),
                "this processor or this build of the engine has no packed products of bfloat16");
    }

    private static Tensor random(long... shape) {
        return torch.randn(shape).to(ScalarType.BFloat16);
    }

    private static Tensor exact(Tensor x, Tensor matrix, Tensor bias) {
        return x.to(ScalarType.Double).mm(matrix.to(ScalarType.Double).t()).add(bias.to(ScalarType.Double));
    }

    /** By how much a result is off, in units of the rounding of its largest number. */
    private static double error(Tensor actual, Tensor exact) {
        return actual.to(ScalarType.Double).sub(exact).abs().max().item_double()
                / (exact.abs().max().item_double() * ROUNDING);
    }

    @ParameterizedTest
    @CsvSource({"1, 576, 960", "4, 1536, 576", "300, 64, 200", "3, 5, 7", "2, 17, 1"})
    void productsAreAsExactAsPlainOnes(int rows, int inputs, int outputs) {
        assumePacking();
        torch.manual_seed(7);
        try (var _ = new NoGradGuard(); var _ = new PointerScope(); Workspace workspace = new Workspace(BFLOAT16)) {
            Tensor x = random(rows, inputs);
            Tensor matrix = random(outputs, inputs);
            Tensor bias = random(outputs);
            Tensor none = torch.zeros_like(bias);
            try (Linear packed = Linear.packed(matrix, bias, BFLOAT16);
                    Linear plain = Linear.of(matrix, bias);
                    Linear withoutBias = Linear.packed(matrix, null, BFLOAT16)) {
                assertThat(packed).isInstanceOf(PackedLinear.class);
                for (Linear linear : new Linear[]{packed, plain}) {
                    assertThat(error(linear.of(x, "result", workspace), exact(x, matrix, bias))).isLessThan(1.01);
                    Tensor sum = random(rows, outputs);
                    Tensor expected = exact(x, matrix, bias).mul(new Scalar(0.5)).add(sum.to(ScalarType.Double));
                    linear.addTo(sum, x, new Scalar(0.5));
                    assertThat(error(sum, expected)).isLessThan(2.5); // rounded once more
                }
                assertThat(error(withoutBias.of(x, "result", workspace), exact(x, matrix, none))).isLessThan(1.01);
            }
        }
    }

    /** The half of a wider matrix, as the feed-forward part hands it on. */
    @Test
    void rowsMayLieApart() {
        assumePacking();
        torch.manual_seed(8);
        try (var _ = new NoGradGuard(); var _ = new PointerScope(); Workspace workspace = new Workspace(BFLOAT16)) {
            Tensor wide = random(4, 96);
            Tensor matrix = random(16, 48);
            try (Linear packed = Linear.packed(matrix, null, BFLOAT16)) {
                Tensor half = wide.narrow(1, 48, 48);
                assertThat(error(packed.of(half, "result", workspace),
                        exact(half, matrix, torch.zeros(new long[]{16})))).isLessThan(1.01);
            }
        }
    }

    @Test
    void whatCannotBePackedIsUsedAsItIs() {
        assertThat(PackedLinear.possible(TestDevice.float32(1))).isFalse();
        torch.manual_seed(9);
        try (var _ = new NoGradGuard();
                var _ = new PointerScope();
                Workspace workspace = new Workspace(Compute.float32(1))) {
            Tensor x = torch.randn(4, 8);
            Tensor matrix = torch.randn(5, 8);
            Tensor bias = torch.randn(5);
            try (Linear linear = Linear.packed(matrix, bias, Compute.float32(1))) {
                assertThat(linear).isInstanceOf(Linear.Plain.class);
                assertThat(linear.of(x, "result", workspace).sub(x.mm(matrix.t()).add(bias)).abs().max().item_float())
                        .isLessThan(1e-5f);
            }
        }
    }

    @Test
    void anEngineWithoutTheOperatorsIsNoticed() {
        assertThat(NamedOperator.find("mkldnn::_no_such_operator")).isEmpty();
    }

    @Test
    void productsKeepNothing() {
        assumePacking();
        try (var _ = new NoGradGuard();
                var _ = new PointerScope();
                Workspace workspace = new Workspace(BFLOAT16);
                Linear packed = Linear.packed(random(24, 16), random(24), BFLOAT16)) {
            Tensor x = random(4, 16);
            NativeObjects.assertSteady(() -> {
                try (var _ = new PointerScope()) {
                    packed.of(x, "result", workspace);
                }
            });
        }
    }

    /** A packed matrix is a tensor without an object in Java; so bytes are counted, 1 GB if none were given back. */
    @Test
    void closedMatricesGiveTheirMemoryBack() {
        assumePacking();
        try (var _ = new NoGradGuard(); var _ = new PointerScope(); Workspace workspace = new Workspace(BFLOAT16)) {
            Tensor matrix = torch.ones(4096, 4096).to(ScalarType.BFloat16);
            Tensor x = random(2, 4096);
            long before = 0;
            for (int i = 0; i < 34; i++) {
                try (var _ = new PointerScope(); Linear packed = Linear.packed(matrix, null, BFLOAT16)) {
                    packed.of(x, "result", workspace);
                }
                if (i == 1) { // the first ones warm up
                    before = Pointer.physicalBytes();
                }
            }
            assertThat(Pointer.physicalBytes() - before).isLessThan(200L << 20);
        }
    }
}
