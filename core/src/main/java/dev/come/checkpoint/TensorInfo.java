package dev.come.checkpoint;

import java.nio.file.Path;
import java.util.List;

/**
 * A tensor as it lies in a safetensors file, row-major and little-endian.
 *
 * @param shape sizes of the dimensions; empty for a single number
 * @param file the safetensors file that holds it
 * @param offset where its data begin, in bytes from the start of the file
 * @param byteLength how long its data are, in bytes
 */
public record TensorInfo(String name, DType dtype, List<Long> shape, Path file, long offset, long byteLength) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }
}
