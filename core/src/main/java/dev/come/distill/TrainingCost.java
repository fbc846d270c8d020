package dev.come.distill;

import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.text.Sequences;
import java.util.List;

/** What training a whole model takes, known before it. */
public final class TrainingCost {
    /** The weights that learn, their gradients, the best ones, and the two means of AdamW. */
    private static final int COPIES = 5;

    /** Tensors as wide as the hidden states, and as the channels, that the graph of one layer keeps for its backward. */
    private static final int HIDDEN = 12;
    private static final int CHANNELS = 6;

    /** Logits of a block of the last states, those of the teacher, and what softmax and gradient make of them. */
    private static final int LOGITS = 4;

    private TrainingCost() {
    }

    /**
     * What is done with the text.
     *
     * @param count steps
     * @param tokens tokens of all steps together
     */
    public record Steps(int count, long tokens) {}

    /** The steps on some text. */
    public static Steps steps(DistillationOptions options, Sequences training) {
        TokenChunks chunks = Distillation.chunks(training, options);
        Batches batches = Batches.of(chunks, chunks.size(), options.modelTokens(), options.batchTokens(),
                options.seed());
        return new Steps(batches.count(), batches.steps().stream().flatMap(List::stream)
                .mapToLong(chunk -> chunks.get(chunk).tokens().length).sum());
    }

    /**
     * The cost in runs of a layer, each over one token. The teacher is run once over all text, and the student forward and
     * backward at each step.
     *
     * @param layers of the teacher
     * @param text tokens that there are
     */
    public static double layerRuns(DistillationOptions options, int layers, LayerStack stack, double text) {
        return text * layers + (double) options.modelTokens() * perToken(options, layers, stack);
    }

    private static long perToken(DistillationOptions options, int layers, LayerStack stack) {
        int lowest = options.trained().positions(stack, layers).stream().mapToInt(Integer::intValue).min().orElse(0);
        return Effort.of(1, stack.size(), stack.size() - lowest).step();
    }

    /** The same for the output projection: the teacher's logits, the student's, and the way back through them. */
    public static double headRuns(DistillationOptions options) {
        return 3.0 * options.modelTokens();
    }

    /** The same for measurements of text that is not trained on. */
    public static double validations(DistillationOptions options, int steps) {
        int every = TrainingLoop.evaluateEvery(options, steps);
        return (1.0 + Math.ceilDiv(steps, every)) * options.validationTokens();
    }

    /** Bytes of what learns, and of what a step makes on the way, at the most; hidden states come on top. */
    public static long bytes(ModelConfig config, DistillationOptions options, LayerStack stack, int threads) {
        long learned = options.trained().parts(config).stream().mapToLong(part -> elements(config, part)).sum()
                * options.trained().positions(stack, config.layers()).size() * COPIES * Float.BYTES;
        long projection = (long) config.vocabularySize() * config.hiddenSize() * Float.BYTES;
        long tokens = Math.min(Distillation.CHUNK, options.batchTokens());
        long graph = tokens * Float.BYTES * (HIDDEN * (long) config.hiddenSize()
                + CHANNELS * (long) config.intermediateSize() + 2L * config.heads() * tokens);
        long logits = NextTokenLoss.rows(config) * config.vocabularySize() * Float.BYTES * LOGITS;
        return learned + 2 * projection + threads * (Math.max(graph, logits) + config.layerParameters() * Float.BYTES);
    }

    private static long elements(ModelConfig config, Part part) {
        return config.shape(part).stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }
}
