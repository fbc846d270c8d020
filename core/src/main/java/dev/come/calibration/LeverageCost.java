package dev.come.calibration;

import dev.come.model.ModelConfig;

/** What leverage takes, known before it. */
public final class LeverageCost {
    private LeverageCost() {
    }

    /**
     * Bytes of the second moments of layers side by side and of what is made of them, at the most.
     *
     * @param layers how many lie side by side
     */
    public static long bytes(ModelConfig config, int threads, int layers) {
        long heads = (long) layers * config.heads() * config.headDim();
        long channels = (long) layers * config.intermediateSize();
        long sums = heads * heads + channels * channels;
        // Beside the sums those of each thread's chunk, or of the wider half a copy, its factor and the inverse.
        long widest = Math.max(heads, channels);
        return sums * Double.BYTES + Math.max(sums * threads * Float.BYTES, 3 * widest * widest * Double.BYTES);
    }
}
