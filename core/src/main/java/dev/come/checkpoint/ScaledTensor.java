package dev.come.checkpoint;

import java.util.List;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A matrix that is stored as floats or integers of eight bits with a scale for each of its blocks: all of it, a row, or so many rows and
 * columns; the last blocks may be smaller. A number is the product of both in float32, rounded once to bfloat16.
 *
 * <p>This is what transformers' {@code Fp8Dequantize} and compressed-tensors' {@code dequantize} compute: the latter multiplies in
 * the type of the scales, which for bfloat16 gives the same, since such a product is computed in float32 and then rounded.
 *
 * @param stored the matrix as it lies in its file
 * @param scale its scales
 * @param blockRows rows of a block
 * @param blockColumns columns of a block
 */
record ScaledTensor(TensorInfo stored, TensorInfo scale, long blockRows, long blockColumns) {
    /** What its numbers are when they are read. */
    static final DType DTYPE = DType.BF16;

    /** As which it is read: of the same shape and place, in another type. */
    TensorInfo read() {
        return new TensorInfo(stored.name(), DTYPE, stored.shape(), stored.file(), stored.offset(),
                stored.byteLength());
    }

    /**
     * The numbers of some rows.
     *
     * @param rows of the stored matrix {@code (n, columns)}
     * @param scales all scales, as they are stored
     * @param numbers the n numbers that these rows have in the matrix
     * @return {@code (n, columns)} bfloat16, of the current PointerScope
     */
    Tensor numbers(Tensor rows, Tensor scales, long[] numbers) {
        long[] blocks = LongStream.of(numbers).map(row -> row / blockRows).toArray();
        Tensor grid = (scale.dtype() == DType.U8 ? scales.view(DType.F8_E8M0.scalarType()) : scales)
                .to(ScalarType.Float).view(scaleRows(), scaleColumns()).index_select(0, torch.tensor(blocks));
        Tensor each = scaleColumns() == 1
                ? grid
                : grid.repeat_interleave(blockColumns, new LongOptional(1), new LongOptional()).narrow(1, 0, columns());
        return rows.to(ScalarType.Float).mul_(each).to(DTYPE.scalarType());
    }

    long rows() {
        return stored.shape().getFirst();
    }

    long columns() {
        return stored.shape().getLast();
    }

    long scaleRows() {
        return Math.ceilDiv(rows(), blockRows);
    }

    long scaleColumns() {
        return Math.ceilDiv(columns(), blockColumns);
    }

    /** Whether the scales are as many as the blocks. */
    boolean fits() {
        List<Long> shape = scale.shape();
        long count = shape.stream().reduce(1L, (a, b) -> a * b);
        if (count != scaleRows() * scaleColumns() || count == 1) {
            return count == scaleRows() * scaleColumns();
        }
        boolean columns = shape.size() == 1 ? scaleColumns() == 1 : shape.getLast() == scaleColumns();
        return columns && shape.getFirst() == scaleRows();
    }
}
