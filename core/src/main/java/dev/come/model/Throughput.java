package dev.come.model;

import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** How fast this machine multiplies matrices of a model's shape. */
public final class Throughput {
    private static final int ROWS = 512;
    private static final long NANOSECONDS = 200_000_000L;

    private Throughput() {
    }

    /** Floating-point operations in a second, all threads together, measured in about a fifth of a second. */
    public static double measure(ModelConfig config, Compute compute) {
        long hidden = config.hiddenSize();
        long channels = config.intermediateSize();
        long[] products = new long[compute.threads()];
        long started = System.nanoTime();
        try (Workers workers = new Workers(compute)) {
            workers.forEach(compute.threads(), (thread, workspace) -> {
                Tensor x = torch.empty(new long[]{ROWS, hidden}, compute.options(compute.scalarType()),
                        new MemoryFormatOptional()).zero_();
                Tensor weight = torch.empty(new long[]{channels, hidden}, compute.options(compute.scalarType()),
                        new MemoryFormatOptional()).zero_();
                Tensor product = workspace.tensor("gateUp", compute.scalarType(), ROWS, channels);
                while (System.nanoTime() - started < NANOSECONDS || products[thread] == 0) {
                    torch.mm_out(product, x, weight.t());
                    products[thread]++;
                }
            });
        }
        double seconds = (System.nanoTime() - started) / 1e9;
        long all = 0;
        for (long count : products) {
            all += count;
        }
        return all * 2.0 * ROWS * hidden * channels / seconds;
    }
}
