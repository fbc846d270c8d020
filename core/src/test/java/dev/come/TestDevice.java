package dev.come;

import dev.come.checkpoint.DType;
import dev.come.model.Compute;

/**
 * What tests compute on: the processor, or the device of {@code -Dcome.test.device=cuda}, on which everything must come out
 * the same as far as rounding goes.
 */
public final class TestDevice {
    private static final String DEVICE = System.getProperty("come.test.device", "cpu");

    private TestDevice() {
    }

    /** Float32, as all comparisons with golden values need it. */
    public static Compute float32(int threads) {
        return of(DType.F32, threads);
    }

    /** Bfloat16. */
    public static Compute bfloat16(int threads) {
        return of(DType.BF16, threads);
    }

    /** Either. */
    public static Compute of(DType type, int threads) {
        return new Compute(type, DEVICE, threads);
    }
}
