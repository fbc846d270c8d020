package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.NativeObjects;
import dev.come.TestDevice;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the formulas of arXiv 1711.05101, number by number in double. */
class AdamWTests {
    private static final int SIZE = 37;
    private static final double BETA2 = 0.95;
    private static final double DECAY = 0.1;
    private static final double RATE = 0.01;

    private static Tensor vector(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return TestDevice.float32(1).floats(torch.tensor(floats));
    }

    private static double[] random(Random random) {
        return random.doubles(SIZE, -1, 1).toArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 20, SIZE})
    void stepsAreThoseOfTheFormulas(int decayed) {
        Random random = new Random(1);
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            double[] weights = random(random);
            double[] mean = new double[SIZE];
            double[] square = new double[SIZE];
            Tensor vector = vector(weights);
            try (AdamW optimizer = new AdamW(vector, BETA2, DECAY, decayed)) {
                for (int step = 1; step <= 5; step++) {
                    double[] gradient = random(random);
                    for (int i = 0; i < SIZE; i++) {
                        mean[i] = 0.9 * mean[i] + 0.1 * gradient[i];
                        square[i] = BETA2 * square[i] + (1 - BETA2) * gradient[i] * gradient[i];
                        double unbiased = mean[i] / (1 - Math.pow(0.9, step));
                        double size = Math.sqrt(square[i] / (1 - Math.pow(BETA2, step))) + 1e-8;
                        weights[i] -= RATE * ((i < decayed ? DECAY * weights[i] : 0) + unbiased / size);
                    }
                    optimizer.step(vector(gradient), RATE);
                }
                for (int i = 0; i < SIZE; i++) {
                    assertThat(vector.get(i).item_double()).as("weight %d", i).isCloseTo(weights[i], within(1e-6));
                    assertThat(optimizer.mean().get(i).item_double()).isCloseTo(mean[i], within(1e-6));
                    assertThat(optimizer.square().get(i).item_double()).isCloseTo(square[i], within(1e-6));
                }
            }
        }
    }

    @Test
    void goesOnFromItsMeans() {
        Random random = new Random(2);
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            Tensor weights = vector(random(random));
            Tensor first = vector(random(random));
            Tensor second = vector(random(random));
            try (AdamW uninterrupted = new AdamW(weights, BETA2, DECAY, 20)) {
                uninterrupted.step(first, RATE);
                Tensor later = weights.clone();
                try (AdamW resumed = new AdamW(later, BETA2, DECAY, 20)) {
                    resumed.restore(1, uninterrupted.mean(), uninterrupted.square());
                    resumed.step(second, RATE);
                    uninterrupted.step(second, RATE);
                    assertThat(later.equal(weights)).isTrue();
                }
            }
        }
    }

    @Test
    void stepsKeepNothing() {
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            Tensor weights = vector(random(new Random(3)));
            try (AdamW optimizer = new AdamW(weights, BETA2, DECAY, 20)) {
                NativeObjects.assertSteady(() -> optimizer.step(weights, RATE));
            }
        }
    }
}
