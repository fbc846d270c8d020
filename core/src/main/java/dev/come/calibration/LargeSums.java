package dev.come.calibration;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Sums over tokens that may be as large as a layer. Between machines they go in pieces, so no message holds much, and whoever adds
 * them up holds one whole sum.
 *
 * <p>Called from one thread at a time.
 */
public interface LargeSums extends AutoCloseable {
    /**
     * The sums in pieces of some megabytes, always the same for one shape.
     *
     * @return views of the current PointerScope; what is added to them is added to the sums
     */
    List<Tensor> blocks();

    /** What is summed besides, in a few numbers. */
    double[] numbers();

    /** Adds what {@link #numbers} gives of others. */
    void add(double[] numbers);

    @Override
    void close();
}
