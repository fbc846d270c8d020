package dev.come.checkpoint;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Reads rows of a {@link ScaledTensor}, some at a time: beside what is asked for, {@value #AT_ONCE} numbers at most are there in
 * float32.
 *
 * @param file holds the matrix
 * @param scaleFile holds its scales
 */
record ScaledRows(ScaledTensor how, TensorFile file, TensorFile scaleFile) {
    private static final int AT_ONCE = 1 << 22;

    /** The whole matrix, of the current PointerScope. */
    Tensor all() {
        return read(0, how.rows());
    }

    /** Some rows, one after the other. */
    Tensor read(long first, long count) {
        Tensor result = TensorMemory.empty(ScaledTensor.DTYPE, List.of(count, how.columns()));
        read(first, result);
        return result;
    }

    /** The rows with these numbers. */
    Tensor read(int[] numbers) {
        Tensor result = TensorMemory.empty(ScaledTensor.DTYPE, List.of((long) numbers.length, how.columns()));
        try (var _ = new PointerScope()) {
            result.copy_(how.numbers(file.rows(how.stored().name(), numbers), scales(),
                    IntStream.of(numbers).asLongStream().toArray()));
        }
        return result;
    }

    /** Fills a tensor with rows until it is full. */
    void read(long first, Tensor into) {
        long atOnce = Math.max(1, AT_ONCE / Math.max(1, how.columns()));
        for (long done = 0; done < into.size(0); done += atOnce) {
            long count = Math.min(atOnce, into.size(0) - done);
            try (var _ = new PointerScope()) {
                into.narrow(0, done, count).copy_(how.numbers(
                        file.rows(how.stored().name(), first + done, count), scales(),
                        LongStream.range(first + done, first + done + count).toArray()));
            }
        }
    }

    private Tensor scales() {
        return scaleFile.tensor(how.scale().name());
    }
}
