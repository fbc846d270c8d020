package dev.come.model;

import java.util.Arrays;
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
        double[] rates = new double[compute.threads()];
        try (Workers workers = new Workers(compute)) {
            workers.forEach(compute.threads(), (thread, workspace) -> {
                Tensor x = torch.empty(new long[]{ROWS, hidden}, compute.options(compute.scalarType()),
                        new MemoryFormatOptional()).zero_();
                Tensor weight = torch.empty(new long[]{channels, hidden}, compute.options(compute.scalarType()),
                        new MemoryFormatOptional()).zero_();
                Tensor product = workspace.tensor("gateUp", compute.scalarType(), ROWS, channels);
                torch.mm_out(product, x, weight.t()); // the first one loads and prepares the engine
                long products = 0;
                long started = System.nanoTime();
                while (System.nanoTime() - started < NANOSECONDS) {
                    torch.mm_out(product, x, weight.t());
                    products++;
                }
                rates[thread] = products * 2.0 * ROWS * hidden * channels * 1e9 / (System.nanoTime() - started);
            });
        }
        return Arrays.stream(rates).sum();
    }
}
