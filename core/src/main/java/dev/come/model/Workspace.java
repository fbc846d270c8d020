package dev.come.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The temporaries of one thread. A forward pass needs the same few large buffers for every layer and every chunk of
 * tokens; fresh ones each time would cost more in page faults than the arithmetic on them.
 */
public final class Workspace implements AutoCloseable {
    private final Compute compute;
    private final Map<String, Tensor> buffers = new HashMap<>();
    private final Map<Double, Tensor> numbers = new HashMap<>();

    public Workspace(Compute compute) {
        this.compute = compute;
    }

    /**
     * A tensor of the given type and shape with undefined content. The same name gives the same memory, so what was taken
     * before under it is gone.
     */
    Tensor tensor(String name, ScalarType type, long... shape) {
        long elements = 1;
        for (long size : shape) {
            elements = Math.multiplyExact(elements, size);
        }
        Tensor buffer = buffers.get(name);
        if (buffer == null || buffer.numel() < elements || buffer.scalar_type() != type) {
            if (buffer != null) {
                buffer.releaseReference();
            }
            try (var _ = new PointerScope()) {
                buffer = torch.empty(new long[]{elements}, compute.options(type), new MemoryFormatOptional());
                buffer.retainReference();
            }
            buffers.put(name, buffer);
        }
        return (buffer.numel() == elements ? buffer : buffer.narrow(0, 0, elements)).view(shape);
    }

    Tensor floats(String name, long... shape) {
        return tensor(name, ScalarType.Float, shape);
    }

    /** A number as a tensor, {@code (1)}, float32; not to be changed. */
    Tensor number(double value) {
        return numbers.computeIfAbsent(value, _ -> {
            try (var _ = new PointerScope()) {
                return torch.full(new long[]{1}, new Scalar(value), compute.options(ScalarType.Float))
                        .retainReference();
            }
        });
    }

    @Override
    public void close() {
        for (Map<?, Tensor> tensors : List.of(buffers, numbers)) {
            tensors.values().forEach(Tensor::releaseReference);
            tensors.clear();
        }
    }
}
