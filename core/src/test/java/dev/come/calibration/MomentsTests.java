package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Only half of a symmetric matrix is summed up, panel by panel; the whole is what one plain product gives. */
class MomentsTests {
    private static final int ROWS = 50;
    private static final int OUTPUTS = 7;

    private static void assertClose(Tensor found, Tensor expected, double most) {
        assertThat(found.sizes().vec().get()).isEqualTo(expected.sizes().vec().get());
        assertThat(found.sub(expected).abs().max().item_double()).isLessThan(most);
    }

    /** Less than a panel, just one, no whole number of them, two. */
    @ParameterizedTest
    @ValueSource(ints = {1, 30, 384, 385, 500, 768, 900})
    void thePanelsAreThoseOfTheWholeProduct(int channels) {
        torch.manual_seed(8);
        try (var _ = new PointerScope()) {
            Tensor x = torch.randn(ROWS, channels).to(ScalarType.Double);
            Tensor y = torch.randn(ROWS, OUTPUTS).to(ScalarType.Double);
            try (Moments sums = new Moments(channels, OUTPUTS); Moments more = new Moments(channels, OUTPUTS)) {
                sums.add(x.narrow(0, 0, 20), y.narrow(0, 0, 20));
                assertClose(sums.inputs(), x.narrow(0, 0, 20).t().mm(x.narrow(0, 0, 20)), 1e-9);
                sums.add(x.narrow(0, 20, 10), y.narrow(0, 20, 10)); // after the whole was asked for
                more.add(x.narrow(0, 30, 20), y.narrow(0, 30, 20));
                sums.add(more);
                assertClose(sums.inputs(), x.t().mm(x), 1e-9);
                assertClose(sums.products(), x.t().mm(y), 1e-9);
                assertThat(sums.error()).isCloseTo(y.square().sum().item_double() / ROWS, within(1e-12));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {30, 500})
    void sumsOfAChunkAreFloat32AndComeIntoFloat64(int channels) {
        torch.manual_seed(9);
        try (var _ = new PointerScope()) {
            Tensor x = torch.randn(ROWS, channels);
            Tensor y = torch.randn(ROWS, OUTPUTS);
            try (Moments part = Moments.of(channels, y); Moments sums = new Moments(channels, OUTPUTS)) {
                sums.add(part.add(x, y));
                // Float32, and of the symmetric part no more than one half and the diagonal blocks.
                long panel = Math.min(Moments.PANEL, channels);
                assertThat(part.blocks().stream().mapToLong(Tensor::nbytes).sum()).isEqualTo(
                        (panel * channels + (channels - panel) * (channels - panel) + (long) channels * OUTPUTS)
                                * Float.BYTES);
                assertThat(sums.inputs().nbytes()).isEqualTo((long) channels * channels * Double.BYTES);
                assertClose(sums.inputs(), x.to(ScalarType.Double).t().mm(x.to(ScalarType.Double)), 1e-4);
                assertThat(sums.rows()).isEqualTo(ROWS);
            }
        }
    }
}
