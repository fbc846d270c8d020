package dev.come.model;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** How fast this machine reads memory. */
public final class MemorySpeed {
    private static final long READ_FLOATS = 1L << 25;

    private MemorySpeed() {
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
}
