package dev.come.checkpoint;

import java.util.List;

/**
 * A tensor that is to be written.
 *
 * @param shape sizes of the dimensions; empty for a single number
 */
public record TensorSpec(String name, DType dtype, List<Long> shape) {
    public TensorSpec {
        shape = List.copyOf(shape);
    }

    /** The same tensor again: what {@code info} describes, to be written under the name {@code name}. */
    public static TensorSpec like(TensorInfo info, String name) {
        return new TensorSpec(name, info.dtype(), info.shape());
    }

    /** Length of the data in bytes. */
    public long byteLength() {
        return SafetensorsHeader.byteLength(dtype, shape);
    }
}
