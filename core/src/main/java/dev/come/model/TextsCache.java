package dev.come.model;

import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import dev.come.memory.Retained;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keys and values of texts that grow side by side, each as long as it is. A text that has ended leaves its place to the
 * last one, so those that go on always lie together. {@link KeyValueCache} is the same for texts of one length.
 */
public final class TextsCache implements AutoCloseable {
    private final List<KeyValueCache.Layer> layers = new ArrayList<>();
    private final Retained.Group held = new Retained.Group();
    private final int capacity;
    private final int most;
    private int[] lengths = {};

    /**
     * Makes room. It is filled with zeros: what lies behind a shorter text is multiplied by zero, which not all numbers stand.
     *
     * @param texts how many at most
     * @param capacity the longest text in tokens
     */
    TextsCache(ModelConfig config, int layerCount, Compute compute, int texts, int capacity) {
        this.capacity = capacity;
        this.most = texts;
        long[] shape = {texts, config.keyValueHeads(), capacity, config.headDim()};
        try (Opening opening = new Opening()) {
            opening.add(this::close);
            Shortage.named(() -> "The cache of keys and values for " + texts + " texts of " + capacity + " tokens",
                    () -> {
                        for (int i = 0; i < layerCount; i++) {
                            try (var _ = new PointerScope()) {
                                layers.add(new KeyValueCache.Layer(
                                        held.keep(torch.zeros(shape, compute.options(ScalarType.Float))),
                                        held.keep(torch.zeros(shape, compute.options(ScalarType.Float)))));
                            }
                        }
                    });
            opening.done();
        }
    }

    /** Bytes of keys and values of one token. */
    public static long bytesOfToken(ModelConfig config, int layerCount) {
        return 2L * layerCount * config.keyValueHeads() * config.headDim() * Float.BYTES;
    }

    /** How many texts fit. */
    public int most() {
        return most;
    }

    /** How many tokens of a text fit. */
    public int capacity() {
        return capacity;
    }

    /**
     * Forgets all texts, and begins others that all begin alike.
     *
     * @param beginning the tokens that all of them begin with
     */
    public void begin(int texts, KeyValueCache beginning) {
        int length = beginning.length();
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            for (int i = 0; length > 0 && i < layers.size(); i++) {
                copy(beginning.layer(i).keys(), layers.get(i).keys(), texts, length);
                copy(beginning.layer(i).values(), layers.get(i).values(), texts, length);
            }
        }
        lengths = new int[texts];
        Arrays.fill(lengths, length);
    }

    private static void copy(Tensor from, Tensor to, int texts, int length) {
        to.narrow(0, 0, texts).narrow(2, 0, length).copy_(from.narrow(2, 0, length));
    }

    /** Ends a text. The last one takes its place, if it is not the last itself. */
    public void end(int text) {
        int last = lengths.length - 1;
        if (text < last) {
            try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
                for (KeyValueCache.Layer layer : layers) {
                    move(layer.keys(), last, text);
                    move(layer.values(), last, text);
                }
            }
        }
        lengths[text] = lengths[last];
        lengths = Arrays.copyOf(lengths, last);
    }

    private void move(Tensor all, int from, int to) {
        int length = lengths[from];
        all.select(0, to).narrow(1, 0, length).copy_(all.select(0, from).narrow(1, 0, length));
    }

    /** Keys and values of a layer, of some of the texts. */
    KeyValueCache.Layer layer(int layer, int first, int count) {
        return layers.get(layer).sequences(first, count);
    }

    /** The tokens of each text. */
    int[] lengths() {
        return lengths.clone();
    }

    /** Takes tokens whose keys and values are there now. */
    void advance(int[] tokens) {
        for (int i = 0; i < tokens.length; i++) {
            lengths[i] += tokens[i];
        }
    }

    /**
     * Texts that go through the model together: the number of the first, and how many.
     *
     * @param tokens those that are to be run of each text
     * @param most tokens of a part, if it is more than one text
     */
    List<int[]> parts(int[][] tokens, int most) {
        List<int[]> parts = new ArrayList<>();
        int sum = 0;
        for (int i = 0; i < tokens.length; i++) {
            if (parts.isEmpty() || sum + tokens[i].length > most) {
                parts.add(new int[]{i, 0});
                sum = 0;
            }
            parts.getLast()[1]++;
            sum += tokens[i].length;
        }
        return parts;
    }

    @Override
    public void close() {
        held.close();
        layers.clear();
    }
}
