package dev.come.calibration;

import dev.come.failure.Opening;
import dev.come.memory.Retained;
import java.util.ArrayList;
import java.util.List;
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

    private final long channels;
    /** The square, or the panels that make its right half one after the other. */
    private final Retained<Tensor> inputs;
    private final boolean panels;
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
        this(channels, outputs, new TensorOptions(ScalarType.Double), false);
    }

    private Moments(long channels, long outputs, TensorOptions options, boolean panels) {
        this.channels = channels;
        this.panels = panels;
        try (var _ = new PointerScope(); Opening opening = new Opening()) {
            inputs = Retained.of(torch.zeros(panels ? new long[]{start(channels)} : new long[]{channels, channels},
                    options));
            opening.add(inputs::close);
            products = Retained.of(torch.zeros(new long[]{channels, outputs}, options));
            opening.done();
        }
    }

    /** Those of no rows, to be added to others of the same kind and not to be looked at: they take half the memory. */
    static Moments toAdd(long channels, long outputs) {
        return new Moments(channels, outputs, new TensorOptions(ScalarType.Double), true);
    }

    /**
     * Moments of no rows yet, summed in float32 where the rows are. They take a few thousand rows at most;
     * {@link #add(Moments)} brings them into sums that are exact for any number.
     *
     * @param channels the width of x
     * @param y {@code (rows, outputs)}, float32, as will be added
     */
    static Moments of(long channels, Tensor y) {
        return new Moments(channels, y.size(1), y.options(), true);
    }

    /**
     * Adds rows.
     *
     * @param x {@code (rows, channels)}, of the type of these sums
     * @param y {@code (rows, outputs)}, of the same type
     */
    public Moments add(Tensor x, Tensor y) {
        try (var _ = new PointerScope()) {
            for (long start = 0; start < x.size(1); start += PANEL) {
                Tensor panel = x.narrow(1, start, Math.min(PANEL, x.size(1) - start));
                right(start).addmm_(panel.t(), x.narrow(1, start, x.size(1) - start));
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
            Tensor sums = products.borrow();
            for (long start = 0; start < channels; start += PANEL) {
                right(start).add_(other.right(start).to(sums.device(), sums.scalar_type()));
            }
            whole = false;
            sums.add_(other.products.borrow().to(sums.device(), sums.scalar_type()));
            squares += other.squares;
            rows += other.rows;
            return this;
        }
    }

    /**
     * The sums in pieces, always the same for one shape. They are views of the current PointerScope, and what is added to them is
     * added to the sums.
     */
    List<Tensor> blocks() {
        List<Tensor> blocks = new ArrayList<>();
        whole = false;
        for (long start = 0; start < channels; start += PANEL) {
            blocks.add(right(start));
            if (products.borrow().size(1) > 0) {
                blocks.add(products.borrow().narrow(0, start, Math.min(PANEL, channels - start)));
            }
        }
        return blocks;
    }

    /** The sums that are no tensors. */
    double[] numbers() {
        return new double[]{squares, rows};
    }

    /** Adds what {@link #numbers} gives of others. */
    void add(double[] numbers) {
        squares += numbers[0];
        rows += (long) numbers[1];
    }

    /** The sum of {@code x x'} over the rows, {@code (channels, channels)}; not to be changed. */
    public synchronized Tensor inputs() {
        Tensor sums = square();
        if (!whole) {
            try (var _ = new PointerScope()) {
                for (long start = 0; start + PANEL < channels; start += PANEL) {
                    long rest = channels - start - PANEL;
                    Tensor right = right(start).narrow(1, PANEL, rest);
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
        return square();
    }

    private Tensor square() {
        if (panels) {
            throw new IllegalStateException("these sums are there to be added to others");
        }
        return inputs.borrow();
    }

    /** The rows of the symmetric matrix that one product makes, from their diagonal on. */
    private Tensor right(long start) {
        long rest = channels - start;
        long rows = Math.min(PANEL, rest);
        return panels
                ? inputs.borrow().narrow(0, start(start), rows * rest).view(rows, rest)
                : inputs.borrow().narrow(0, start, rows).narrow(1, start, rest);
    }

    /** The number of elements of the panels before a row. */
    private long start(long row) {
        long whole = row / PANEL;
        long before = whole * PANEL * channels - PANEL * PANEL * (whole * (whole - 1) / 2);
        return before + (row - whole * PANEL) * (channels - whole * PANEL);
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
