package dev.come.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class ScaleTests {
    @Test
    void numbersOfLikeSizeLieOnAPlainScale() {
        Scale scale = Scale.around(DoubleStream.of(20, 30), 100, 0);
        assertThat(scale.logarithmic()).isFalse();
        assertThat(scale.at(scale.least())).isEqualTo(100);
        assertThat(scale.at(25)).isCloseTo(50, within(1e-9));
        // From 19.2 to 30.8: a fifth of that is 2.32, and the next of 1, 2, 5 and 10 is 5.
        assertThat(scale.ticks(5)).containsExactly(20.0, 25.0, 30.0);
    }

    @Test
    void numbersOfVeryDifferentSizeLieOnALogarithmicScale() {
        Scale scale = Scale.around(DoubleStream.of(10, 1e5), 0, 112);
        assertThat(scale.logarithmic()).isTrue();
        assertThat(scale.at(1e3)).isCloseTo(56, within(1e-9));
        assertThat(scale.ticks(5)).usingElementComparator((one, other) -> Math.abs(one / other - 1) < 1e-9 ? 0 : 1)
                .containsExactly(10.0, 100.0, 1000.0, 1e4, 1e5);
    }

    @Test
    void oneNumberAloneHasAScaleToo() {
        Scale scale = Scale.around(DoubleStream.of(7, Double.NaN), 0, 10);
        assertThat(scale.at(7)).isCloseTo(5, within(1e-9));
        assertThat(Scale.around(DoubleStream.empty(), 0, 10).at(0.5)).isBetween(0.0, 10.0);
    }

    @Test
    void ticksAreShort() {
        assertThat(DoubleStream.of(0, 0.25, 40, 1000, 12_000, 2.5e6, 1e9, 1e-4).mapToObj(Scale::tick))
                .containsExactly("0", "0.25", "40", "1000", "12k", "2.5M", "1e9", "1e-4");
    }
}
