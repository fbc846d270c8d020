package dev.come.model;

import dev.come.checkpoint.Checkpoint;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * A whole model in memory, for writing texts and for timing it. All other measuring goes layer by layer.
 *
 * <p>Of a prompt, threads take pieces of some hundred tokens: a piece goes into a layer as soon as the piece before it is through
 * with that layer, and the piece itself with the layer before. Of the tokens after it, all threads share each product.
 */
public final class CausalLanguageModel implements AutoCloseable {
    private static final int PIECE = 256;

    private final ModelConfig config;
    private final Compute compute;
    private final Embedding embedding;
    private final List<DecoderLayer> layers = new ArrayList<>();
    private final LanguageModelHead head;
    private final Rotation rotation;
    private final Workspace workspace;
    private final Workers workers;

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
        this.config = config;
        this.compute = compute;
        this.rotation = new Rotation(compute);
        this.workspace = new Workspace(compute);
        this.workers = new Workers(compute);
        try (Opening opening = new Opening()) {
            this.embedding = new Embedding(checkpoint, config, compute);
            opening.add(embedding::close);
            this.head = new LanguageModelHead(checkpoint, config, compute);
            opening.add(head::close);
            opening.add(() -> layers.forEach(DecoderLayer::close));
            head.prepareLogits();
            for (int layer = 0; layer < layerCount; layer++) {
                int number = layer;
                try (var _ = new PointerScope()) {
                    layers.add(Shortage.named(() -> "Loading layer " + number + " of " + layerCount,
                            () -> DecoderLayer.thatStays(config, weights.apply(number), compute)));
                }
            }
            opening.done();
        }
    }

    /** A cache for one sequence with at most the given number of tokens. */
    public KeyValueCache cache(int capacity) {
        return cache(1, capacity);
    }

    /** A cache for several sequences with at most the given number of tokens each. */
    public KeyValueCache cache(int sequences, int capacity) {
        return new KeyValueCache(config, layers.size(), compute, sequences, capacity);
    }

    /** A cache for texts of different lengths with at most the given number of tokens each. */
    public TextsCache texts(int texts, int capacity) {
        return new TextsCache(config, layers.size(), compute, texts, capacity);
    }

    /**
     * Runs the tokens that follow those in the cache and adds them to it. The result is that of the whole text without a
     * cache, also where its length decides how positions turn.
     *
     * @return the logits after the last of them, {@code vocabularySize} of them
     */
    public float[] nextTokenLogits(int[] tokens, KeyValueCache cache) {
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            return Tensors.floats(lastLogits(new int[][]{tokens}, cache));
        }
    }

    /**
     * Runs the tokens that follow those in the cache and adds them to it.
     *
     * @param tokens for each sequence of the cache as many
     * @return for each the likeliest token to come next
     */
    public int[] likeliestTokens(int[][] tokens, KeyValueCache cache) {
        return nextTokens(tokens, cache, (logits, _) -> Arrays.stream(
                Tensors.doubles(logits.argmax(new LongOptional(1), false))).mapToInt(id -> (int) id).toArray());
    }

    /** The same with another choice of the next token. */
    public int[] nextTokens(int[][] tokens, KeyValueCache cache, NextTokens choice) {
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            return choice.of(lastLogits(tokens, cache), 0);
        }
    }

    /**
     * Runs the tokens that follow those of each text in the cache, as many as there are of each, and adds them to it. Threads
     * take some texts each. Not for models whose positions turn by other angles in longer texts.
     *
     * @return for each text the token to come next; {@link NextTokens#NONE} where logits are no numbers
     */
    public int[] nextAfter(int[][] tokens, TextsCache cache, NextTokens choice) {
        int[] chosen = new int[tokens.length];
        List<int[]> parts = cache.parts(tokens, PIECE);
        torch.set_num_threads(1);
        workers.forEach(parts.size(), (part, buffers) -> {
            int first = parts.get(part)[0];
            int count = parts.get(part)[1];
            int[][] own = Arrays.copyOfRange(tokens, first, first + count);
            TokenLayout layout = TokenLayout.after(Arrays.copyOfRange(cache.lengths(), first, first + count),
                    Arrays.stream(own).mapToInt(text -> text.length).toArray());
            Tensor hidden = embedding.of(Arrays.stream(own).flatMapToInt(Arrays::stream).toArray(), layout);
            for (int i = 0; i < layers.size(); i++) {
                layers.get(i).forward(hidden, layout, rotation, buffers, LayerObserver.NONE,
                        cache.layer(i, first, count));
            }
            int[] starts = layout.starts();
            long[] last = IntStream.range(0, count).mapToLong(i -> starts[i] + own[i].length - 1L).toArray();
            Tensor logits = head.logits(
                    hidden.index_select(0, torch.tensor(last).to(hidden.device(), ScalarType.Long)), buffers);
            System.arraycopy(choice.of(logits, first), 0, chosen, first, count);
        });
        cache.advance(Arrays.stream(tokens).mapToInt(text -> text.length).toArray());
        return chosen;
    }

    /** The same for one token of each text; all threads share each product. */
    public int[] nextAfter(int[] tokens, TextsCache cache, NextTokens choice) {
        int[] one = new int[tokens.length];
        Arrays.fill(one, 1);
        TokenLayout layout = TokenLayout.after(cache.lengths(), one);
        torch.set_num_threads(compute.threads());
        try (var _ = new NoGradGuard(); var _ = new PointerScope(); var _ = new InferenceMode(true)) {
            Tensor hidden = embedding.of(tokens, layout);
            for (int i = 0; i < layers.size(); i++) {
                layers.get(i).forward(hidden, layout, rotation, workspace, LayerObserver.NONE,
                        cache.layer(i, 0, tokens.length));
            }
            cache.advance(one);
            return choice.of(head.logits(hidden, workspace), 0);
        }
    }

    /**
     * The logits after the last tokens, {@code (sequences, vocabulary)}. Where the text becomes so long that its positions turn
     * by other angles, the keys in the cache are those of another text; then all of it is run anew.
     */
    private Tensor lastLogits(int[][] more, KeyValueCache cache) {
        if (more.length != cache.sequences() || Arrays.stream(more).anyMatch(some -> some.length != more[0].length)) {
            throw new IllegalArgumentException("the sequences of a cache go on by the same number of tokens");
        }
        boolean goesOn = config.turnsAlike(cache.length(), cache.length() + more[0].length);
        int[][] tokens = goesOn ? more : cache.restart(more);
        int length = tokens[0].length;
        int[] lengths = new int[tokens.length];
        Arrays.fill(lengths, length);
        TokenLayout layout = new TokenLayout(lengths, cache.length());
        Tensor hidden = embedding.of(Arrays.stream(tokens).flatMapToInt(Arrays::stream).toArray(), layout);
        boolean inPieces = length > 1 && compute.onProcessor(); // a device wants all at once
        if (inPieces) {
            torch.set_num_threads(1);
            new Wave(hidden, length, cache).run();
        }
        torch.set_num_threads(compute.threads());
        try (var _ = new InferenceMode(true)) {
            if (!inPieces) {
                run(hidden, layout, cache);
            }
            cache.advance(tokens);
            long[] last = IntStream.rangeClosed(1, tokens.length).mapToLong(i -> (long) i * length - 1).toArray();
            return head.logits(hidden.index_select(0, torch.tensor(last).to(hidden.device(), ScalarType.Long)),
                    workspace);
        }
    }

    /**
     * Runs all layers in place, with the model's own buffers. These are made in inference mode, where the engine takes no notes for gradients,
     * which for a single token cost as much as its arithmetic; so they can be written in that mode only.
     */
    private void run(Tensor hidden, TokenLayout layout, @Nullable KeyValueCache cache) {
        for (int i = 0; i < layers.size(); i++) {
            layers.get(i).forward(hidden, layout, rotation, workspace, LayerObserver.NONE,
                    cache == null ? null : cache.layer(i));
        }
    }

    /** The pieces of prompts on their way through the layers. */
    private final class Wave {
        private final Tensor hidden;
        private final KeyValueCache cache;
        private final int length;
        private final int size;
        private final int perSequence;
        /** Through how many layers each piece is. */
        private final int[] done;
        private final Waiting waiting = new Waiting();

        /** @param hidden {@code (sequences * length, hidden)}, changed in place */
        Wave(Tensor hidden, int length, KeyValueCache cache) {
            this.hidden = hidden;
            this.cache = cache;
            this.length = length;
            // Where angles depend on how long a text is, a piece must know the whole.
            this.size = config.rotationDependsOnLength() ? length : Math.min(length, PIECE);
            this.perSequence = (length + size - 1) / size;
            this.done = new int[perSequence * cache.sequences()];
        }

        /** Tasks come in an order in which everything that a task waits for comes before it. */
        void run() {
            List<int[]> tasks = new ArrayList<>();
            for (int front = 0; front < perSequence + layers.size() - 1; front++) {
                for (int piece = 0; piece < done.length; piece++) {
                    int layer = front - piece % perSequence;
                    if (layer >= 0 && layer < layers.size()) {
                        tasks.add(new int[]{piece, layer});
                    }
                }
            }
            workers.forEach(tasks.size(), waiting,
                    (task, buffers) -> run(tasks.get(task)[0], tasks.get(task)[1], buffers));
        }

        /** Waits for the piece before it at the same layer, and for the piece itself at the layer before. */
        private void run(int piece, int layer, Workspace buffers) {
            waiting.until(() -> done[piece] == layer && (piece % perSequence == 0 || done[piece - 1] > layer));
            int first = piece % perSequence * size;
            int count = Math.min(size, length - first);
            int sequence = piece / perSequence;
            layers.get(layer).forward(hidden.narrow(0, (long) sequence * length + first, count),
                    new TokenLayout(new int[]{count}, cache.length() + first), rotation, buffers,
                    LayerObserver.NONE, cache.layer(layer).sequence(sequence));
            waiting.change(() -> done[piece] = layer + 1);
        }
    }

    /** The logits after every token of a sequence, {@code (tokens, vocabulary)}, without a cache. */
    public float[][] logits(int[] tokens) {
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            TokenLayout layout = TokenLayout.of(tokens.length);
            Tensor hidden = embedding.of(tokens, layout);
            try (var _ = new InferenceMode(true)) {
                run(hidden, layout, null);
                Tensor logits = head.logits(hidden, workspace);
                float[][] rows = new float[tokens.length][];
                for (int i = 0; i < rows.length; i++) {
                    rows[i] = Tensors.floats(logits.select(0, i));
                }
                return rows;
            }
        }
    }

    @Override
    public void close() {
        workers.close();
        layers.forEach(DecoderLayer::close);
        embedding.close();
        head.close();
        rotation.close();
        workspace.close();
    }
}
