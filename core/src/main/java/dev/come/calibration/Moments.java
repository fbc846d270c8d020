package dev.come.calibration;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
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
    private final Tensor inputs;
    private final Tensor products;
    private double squares;
    private long rows;

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
            inputs = torch.zeros(new long[]{channels, channels}, options);
            products = torch.zeros(new long[]{channels, outputs}, options);
            inputs.retainReference();
            products.retainReference();
        }
    }

    /**
     * Those of a few thousand rows at most, summed in float32 where the rows are; {@link #add(Moments)} brings them into
     * sums that are exact for any number.
     *
     * @param x {@code (rows, channels)}, float32
     * @param y {@code (rows, outputs)}, float32
     */
    static Moments like(Tensor x, Tensor y) {
        return new Moments(x.size(1), y.size(1), x.options());
    }

    /**
     * Adds rows.
     *
     * @param x {@code (rows, channels)}, of the type of these sums
     * @param y {@code (rows, outputs)}, of the same type
     */
    public Moments add(Tensor x, Tensor y) {
        try (var _ = new PointerScope()) {
            inputs.addmm_(x.t(), x);
            products.addmm_(x.t(), y);
            squares += y.square().sum(new ScalarTypeOptional(ScalarType.Double)).item_double();
            rows += x.size(0);
            return this;
        }
    }

    /** Adds what was measured on other rows. */
    public Moments add(Moments other) {
        try (var _ = new PointerScope()) {
            inputs.add_(other.inputs.to(inputs.device(), inputs.scalar_type()));
            products.add_(other.products.to(inputs.device(), inputs.scalar_type()));
            squares += other.squares;
            rows += other.rows;
            return this;
        }
    }

    /** The sum of {@code x x'} over the rows, {@code (channels, channels)}; not to be changed. */
    public Tensor inputs() {
        return inputs;
    }

    /** The sum of {@code x y'} over the rows, {@code (channels, outputs)}; not to be changed. */
    public Tensor products() {
        return products;
    }

    /** How many rows there were. */
    public long rows() {
        return rows;
    }

    /** The mean over the rows of {@code |y|^2}. */
    public double error() {
        return squares / rows;
    }

    /**
     * The mean over the rows of {@code |y - x change|^2}.
     *
     * @param change {@code (channels, outputs)}, of the type of these sums
     */
    public double error(Tensor change) {
        try (var _ = new PointerScope()) {
            // |y|^2 - 2 <products, change> + <change, inputs change>
            Tensor gradient = inputs.mm(change).sub(products, new Scalar(2));
            return (squares + gradient.mul(change).sum().item_double()) / rows;
        }
    }

    @Override
    public void close() {
        inputs.releaseReference();
        products.releaseReference();
    }
}
