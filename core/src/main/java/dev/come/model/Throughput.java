package dev.come.model;

import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** How fast this machine multiplies matrices of a model's shape, and how fast it reads memory. */
public final class Throughput {
    private static final int ROWS = 512;
    private static final long READ_FLOATS = 1L << 25;
    private static final long NANOSECONDS = 200_000_000L;

    private Throughput() {
    }

    /** Bytes that all threads together read in a second from memory that no cache holds, the best of a few tries. */
    public static double bytesReadInASecond(Compute compute) {
        double[] best = new double[1];
        try (Workers workers = new Workers(compute); var _ = new PointerScope()) {
            Tensor all = torch.empty(new long[]{compute.threads(), READ_FLOATS},
                    compute.options(ScalarType.Float), new MemoryFormatOptional()).fill_(new Scalar(1));
            for (int tries = 0; tries < 5; tries++) {
                long started = System.nanoTime();
                workers.forEach(compute.threads(), (thread, _) -> all.select(0, thread).sum().item_float());
                best[0] = Math.max(best[0], all.nbytes() * 1e9 / (System.nanoTime() - started));
            }
        }
        return best[0];
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
