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
        long sums = sumBytes(config, layers);
        // Beside the sums those of each thread's chunk, or of the wider half a copy, its factor and the inverse.
        long widest = Math.max(heads(config, layers), channels(config, layers));
        return sums + Math.max(sums / 2 * threads, 3 * widest * widest * Double.BYTES);
    }

    /** Bytes of the second moments alone. */
    static long sumBytes(ModelConfig config, int layers) {
        long heads = heads(config, layers);
        long channels = channels(config, layers);
        return (heads * heads + channels * channels) * Double.BYTES;
    }

    private static long heads(ModelConfig config, int layers) {
        return (long) layers * config.heads() * config.headDim();
    }

    private static long channels(ModelConfig config, int layers) {
        return (long) layers * config.intermediateSize();
    }
}
