package dev.come.model;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Keys and values of the tokens of one sequence that a model has seen, so that the next token costs one token's work. */
public final class KeyValueCache implements AutoCloseable {
    /** Keys and values of one layer, {@code (keyValueHeads, capacity, headDim)}, float32. */
    record Layer(Tensor keys, Tensor values) {}

    private final List<Layer> layers = new ArrayList<>();
    private final int capacity;
    private int length;

    /**
     * Makes room.
     *
     * @param capacity the longest sequence, prompt and continuation together, in tokens
     */
    KeyValueCache(ModelConfig config, int layerCount, Compute compute, int capacity) {
        this.capacity = capacity;
        long[] shape = {config.keyValueHeads(), capacity, config.headDim()};
        for (int i = 0; i < layerCount; i++) {
            try (var _ = new PointerScope()) {
                Tensor keys = torch.empty(shape, compute.options(ScalarType.Float), new MemoryFormatOptional());
                Tensor values = torch.empty(shape, compute.options(ScalarType.Float), new MemoryFormatOptional());
                keys.retainReference();
                values.retainReference();
                layers.add(new Layer(keys, values));
            }
        }
    }

    Layer layer(int index) {
        return layers.get(index);
    }

    /** Tokens seen so far. */
    public int length() {
        return length;
    }

    /** Tokens that fit. */
    public int capacity() {
        return capacity;
    }

    void advance(int tokens) {
        length += tokens;
    }

    @Override
    public void close() {
        for (Layer layer : layers) {
            layer.keys().releaseReference();
            layer.values().releaseReference();
        }
        layers.clear();
    }
}
