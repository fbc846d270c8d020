package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** A whole model in memory, for generating text. Measuring never needs one: it goes layer by layer. */
public final class CausalLanguageModel implements AutoCloseable {
    private final ModelConfig config;
    private final Compute compute;
    private final Embedding embedding;
    private final List<DecoderLayer> layers = new ArrayList<>();
    private final LanguageModelHead head;
    private final Rotation rotation;
    private final Workspace workspace;

    /** Loads every layer of a checkpoint, which must stay open as long as the model. */
    public CausalLanguageModel(Checkpoint checkpoint, ModelConfig config, Compute compute) {
        this(checkpoint, config, compute, config.layers(), layer -> LayerWeights.of(checkpoint, config, layer));
    }

    /**
     * Takes embeddings and head from a checkpoint, which must stay open as long as the model, and its layers from elsewhere.
     *
     * @param weights the tensors of a layer, of the current PointerScope, by its position
     */
    public CausalLanguageModel(Checkpoint checkpoint, ModelConfig config, Compute compute, int layerCount,
            IntFunction<LayerWeights> weights) {
        // One token after the other leaves nothing to share but each product itself.
        torch.set_num_threads(compute.threads());
        this.config = config;
        this.compute = compute;
        this.embedding = new Embedding(checkpoint, config, compute);
        this.head = new LanguageModelHead(checkpoint, config, compute);
        this.rotation = new Rotation(compute);
        this.workspace = new Workspace(compute);
        for (int layer = 0; layer < layerCount; layer++) {
            try (var _ = new PointerScope()) {
                layers.add(new DecoderLayer(config, weights.apply(layer), compute));
            }
        }
    }

    /** A cache for one sequence of at most so many tokens. */
    public KeyValueCache cache(int capacity) {
        return new KeyValueCache(config, layers.size(), compute, capacity);
    }

    /**
     * Runs the tokens that follow those in the cache and adds them to it.
     *
     * @return the logits after the last of them, {@code vocabularySize} of them
     */
    public float[] nextTokenLogits(int[] tokens, KeyValueCache cache) {
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            TokenLayout layout = new TokenLayout(new int[]{tokens.length}, cache.length());
            Tensor hidden = embedding.of(tokens, layout);
            for (int i = 0; i < layers.size(); i++) {
                layers.get(i).forward(hidden, layout, rotation, workspace, LayerObserver.NONE, cache.layer(i));
            }
            cache.advance(tokens.length);
            return Tensors.floats(head.logits(hidden.narrow(0, tokens.length - 1, 1), workspace));
        }
    }

    /** The logits after every token of a sequence, {@code (tokens, vocabulary)}, without a cache. */
    public float[][] logits(int[] tokens) {
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            TokenLayout layout = TokenLayout.of(tokens.length);
            Tensor hidden = embedding.of(tokens, layout);
            for (DecoderLayer layer : layers) {
                layer.forward(hidden, layout, rotation, workspace, LayerObserver.NONE, null);
            }
            Tensor logits = head.logits(hidden, workspace);
            float[][] rows = new float[tokens.length][];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = Tensors.floats(logits.select(0, i));
            }
            return rows;
        }
    }

    @Override
    public void close() {
        layers.forEach(DecoderLayer::close);
        embedding.close();
        head.close();
        rotation.close();
        workspace.close();
    }
}
