package dev.come.calibration;

import dev.come.memory.Retained;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * All that a linear fit of rows y by rows x depends on: sums of products. The sums of parts add up to those of the whole,
 * wherever the parts were measured.
 */
public final class Moments implements AutoCloseable {
    /** Rows of a diagonal block. */
    public static final long PANEL = 384;

    private final Retained<Tensor> inputs;
    private final Retained<Tensor> products;
    private double squares;
    private long rows;
    /** Whether what lies left of the diagonal blocks is what lies right of them; sums are made of the right half alone. */
    private boolean whole = true;

    /**
     * Those of no rows, in float64 and main memory.
     *
     * @param channels the width of x
     * @param outputs the width of y
     */
    public Moments(long channels, long outputs) {
        this(channels, outputs, new TensorOptions(ScalarType.Double));
    }

    private Moments(long channels, long outputs, TensorOptions options) {
        try (var _ = new PointerScope()) {
            inputs = Retained.of(torch.zeros(new long[]{channels, channels}, options));
            products = Retained.of(torch.zeros(new long[]{channels, outputs}, options));
        }
    }

    /**
     * Moments of no rows yet, summed in float32 where the rows are. They take a few thousand rows at most;
     * {@link #add(Moments)} brings them into sums that are exact for any number.
     *
     * @param channels the width of x
     * @param y {@code (rows, outputs)}, float32, as will be added
     */
    static Moments of(long channels, Tensor y) {
        return new Moments(channels, y.size(1), y.options());
    }

    /**
     * Adds rows.
     *
     * @param x {@code (rows, channels)}, of the type of these sums
     * @param y {@code (rows, outputs)}, of the same type
     */
    public Moments add(Tensor x, Tensor y) {
        try (var _ = new PointerScope()) {
            Tensor sums = inputs.borrow();
            for (long start = 0; start < x.size(1); start += PANEL) {
                Tensor panel = x.narrow(1, start, Math.min(PANEL, x.size(1) - start));
                right(sums, start).addmm_(panel.t(), x.narrow(1, start, x.size(1) - start));
            }
            whole = false;
            products.borrow().addmm_(x.t(), y);
            squares += y.square().sum(new ScalarTypeOptional(ScalarType.Double)).item_double();
            rows += x.size(0);
            return this;
        }
    }

    /** Adds what was measured on other rows. */
    public Moments add(Moments other) {
        try (var _ = new PointerScope()) {
            Tensor sums = inputs.borrow();
            Tensor others = other.inputs.borrow();
            for (long start = 0; start < sums.size(0); start += PANEL) {
                right(sums, start).add_(right(others, start).to(sums.device(), sums.scalar_type()));
            }
            whole = false;
            products.borrow().add_(other.products.borrow().to(sums.device(), sums.scalar_type()));
            squares += other.squares;
            rows += other.rows;
            return this;
        }
    }

    /** The sum of {@code x x'} over the rows, {@code (channels, channels)}; not to be changed. */
    public synchronized Tensor inputs() {
        Tensor sums = inputs.borrow();
        if (!whole) {
            try (var _ = new PointerScope()) {
                for (long start = 0; start + PANEL < sums.size(0); start += PANEL) {
                    long rest = sums.size(0) - start - PANEL;
                    Tensor right = right(sums, start).narrow(1, PANEL, rest);
                    sums.narrow(0, start + PANEL, rest).narrow(1, start, PANEL).copy_(right.t());
                }
            }
            whole = true;
        }
        return sums;
    }

    /**
     * The same to work in: what lies right of the diagonal blocks, and their upper half, is to be read only, and what lies left of
     * the blocks may be overwritten. {@link #inputs()} then makes it whole again.
     */
    public synchronized Tensor inputsToWorkIn() {
        whole = false;
        return inputs.borrow();
    }

    /** The rows of a symmetric matrix that one product makes, from their diagonal on. */
    private static Tensor right(Tensor matrix, long start) {
        long rest = matrix.size(0) - start;
        return matrix.narrow(0, start, Math.min(PANEL, rest)).narrow(1, start, rest);
    }

    /** The sum of {@code x y'} over the rows, {@code (channels, outputs)}; not to be changed. */
    public Tensor products() {
        return products.borrow();
    }

    /** How many rows there were. */
    public long rows() {
        return rows;
    }

    /** The mean over the rows of {@code |y|^2}. */
    public double error() {
        return squares / rows;
    }

    @Override
    public void close() {
        inputs.close();
        products.close();
    }
}
