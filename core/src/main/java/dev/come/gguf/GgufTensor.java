package dev.come.gguf;

import java.util.List;

/**
 * A tensor as it lies in a GGUF file, row-major and little-endian.
 *
 * @param shape sizes of the dimensions, the slowest first, as everywhere but in the file itself
 * @param offset where its data begin, in bytes from the start of the file
 */
record GgufTensor(String name, GgufType type, List<Long> shape, long offset) {
    GgufTensor {
        shape = List.copyOf(shape);
    }

    /** How many numbers it has. */
    long elements() {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /** Numbers in a row: neighbours in the file. */
    int rowLength() {
        return Math.toIntExact(shape.getLast());
    }

    /** How many rows it has. */
    long rows() {
        return elements() / rowLength();
    }

    /** Length of the data in bytes. */
    long byteLength() {
        return type.bytes(elements());
    }
}
