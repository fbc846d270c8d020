package dev.come.checkpoint;

import dev.come.memory.NativeSettings;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** Tensors on the processor, and the memory that they lie in. */
public final class TensorMemory {
    static {
        NativeSettings.apply();
    }

    private TensorMemory() {
    }

    /** A tensor of the current PointerScope with undefined content. */
    public static Tensor empty(DType dtype, List<Long> shape) {
        try (TensorOptions options = new TensorOptions(dtype.scalarType());
                MemoryFormatOptional format = new MemoryFormatOptional()) {
            return torch.empty(shape.stream().mapToLong(Long::longValue).toArray(), options, format);
        }
    }

    /** The bytes of a contiguous tensor on the processor, as long as the tensor is there. */
    @SuppressWarnings("restricted") // the length is that of the tensor's own memory
    public static MemorySegment of(Tensor tensor) {
        if (tensor.nbytes() == 0) {
            return MemorySegment.NULL; // nothing is set aside for it
        }
        return MemorySegment.ofAddress(tensor.data_ptr().address()).reinterpret(tensor.nbytes());
    }
}
