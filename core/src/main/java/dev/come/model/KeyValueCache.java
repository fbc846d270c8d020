package dev.come.model;

import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import dev.come.memory.Retained;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keys and values of the tokens that a model has seen, so that the next token costs one token's work. It serves one
 * sequence or several of the same length.
 */
public final class KeyValueCache implements AutoCloseable {
    /** Keys and values of one layer, {@code (sequences, keyValueHeads, capacity, headDim)}, float32. */
    record Layer(Tensor keys, Tensor values) {
        /** Those of some sequences. */
        Layer sequences(int first, int count) {
            return new Layer(keys.narrow(0, first, count), values.narrow(0, first, count));
        }

        /** Those of one sequence. */
        Layer sequence(int index) {
            return sequences(index, 1);
        }
    }

    private final List<Layer> layers = new ArrayList<>();
    private final Retained.Group held = new Retained.Group();
    private final int[][] tokens;
    private final int capacity;
    private int length;

    /**
     * Makes room.
     *
     * @param sequences how many go side by side
     * @param capacity the longest sequence, prompt and continuation together, in tokens
     */
    KeyValueCache(ModelConfig config, int layerCount, Compute compute, int sequences, int capacity) {
        this.tokens = new int[sequences][0];
        this.capacity = capacity;
        long[] shape = {sequences, config.keyValueHeads(), capacity, config.headDim()};
        try (Opening opening = new Opening()) {
            opening.add(this::close);
            Shortage.named(() -> "The cache of keys and values for " + capacity + " tokens", () -> {
                for (int i = 0; i < layerCount; i++) {
                    try (var _ = new PointerScope()) {
                        layers.add(new Layer(held.keep(empty(shape, compute)), held.keep(empty(shape, compute))));
                    }
                }
            });
            opening.done();
        }
    }

    private static Tensor empty(long[] shape, Compute compute) {
        return torch.empty(shape, compute.options(ScalarType.Float), new MemoryFormatOptional());
    }

    Layer layer(int index) {
        return layers.get(index);
    }

    /** How many sequences go side by side. */
    public int sequences() {
        return tokens.length;
    }

    /** Bytes of all keys and values. */
    public long bytes() {
        return layers.stream().mapToLong(layer -> layer.keys().nbytes() + layer.values().nbytes()).sum();
    }

    /** Tokens of each sequence seen so far. */
    public int length() {
        return length;
    }

    /** Tokens that fit. */
    public int capacity() {
        return capacity;
    }

    /** Takes tokens whose keys and values are there now. */
    void advance(int[][] more) {
        for (int i = 0; i < more.length; i++) {
            int needed = length + more[i].length;
            if (needed > tokens[i].length) { // grown as it fills: the capacity may be millions, and mostly unused
                tokens[i] = Arrays.copyOf(tokens[i], (int) Math.min(capacity, 2L * needed));
            }
            System.arraycopy(more[i], 0, tokens[i], length, more[i].length);
        }
        length += more[0].length;
    }

    /** Forgets all tokens, and returns them with more behind them. */
    int[][] restart(int[][] more) {
        int[][] all = new int[tokens.length][];
        for (int i = 0; i < all.length; i++) {
            all[i] = Arrays.copyOf(tokens[i], length + more[i].length);
            System.arraycopy(more[i], 0, all[i], length, more[i].length);
        }
        length = 0;
        return all;
    }

    @Override
    public void close() {
        held.close();
        layers.clear();
    }
}
