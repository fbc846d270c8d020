package dev.come.job;

import dev.come.checkpoint.RecordJson;
import dev.come.heal.Healing;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.model.Throughput;
import dev.come.prune.PruningMethod;
import dev.come.stack.LayerStack;
import dev.come.stack.StackWriter;
import dev.come.text.Sequences;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a run will do and need, from sizes and from a short measurement of the processor alone.
 *
 * @param layers layers before
 * @param targetLayers layers after
 * @param denseParameters parameters before
 * @param parameters parameters after
 * @param sequences calibration sequences
 * @param tokens calibration tokens
 * @param denseBytes bytes of weights now; about as much is written, less the layers that go
 * @param memoryBytes resident memory at the peak, roughly
 * @param diskBytes bytes of hidden states that will not fit --memory and go to a temporary file
 * @param duration time, roughly
 */
public record Estimate(int layers, int targetLayers, long denseParameters, long parameters, int sequences, int tokens,
        long denseBytes, long memoryBytes, long diskBytes, Duration duration, String dtype) {
    /** The process without a model: Java, the tensor engine, the tokenizer. */
    private static final long BASE_BYTES = 450_000_000L;

    /**
     * Estimates as JSON, by the rules of {@link RecordJson}: {@code estimates} holds, for each method, {@code method} and the
     * components under their names, with {@code seconds} for the time.
     *
     * @param methods as {@code --method} has them
     */
    public static String json(List<String> methods, List<Estimate> estimates) {
        ObjectNode root = RecordJson.file("come-estimate", 1);
        ArrayNode list = root.putArray("estimates");
        for (int i = 0; i < estimates.size(); i++) {
            Estimate one = estimates.get(i);
            list.addObject().put("method", methods.get(i)).put("layers", one.layers)
                    .put("target_layers", one.targetLayers).put("dense_parameters", one.denseParameters)
                    .put("parameters", one.parameters).put("sequences", one.sequences).put("tokens", one.tokens)
                    .put("dense_bytes", one.denseBytes).put("memory_bytes", one.memoryBytes)
                    .put("disk_bytes", one.diskBytes).put("seconds", one.duration.toMillis() / 1000.0)
                    .put("dtype", one.dtype);
        }
        return RecordJson.text(root);
    }

    static Estimate of(OpenModel model, Compute compute, PruningMethod.Cost cost, int target,
            Sequences calibration, List<Sequences> perplexity, boolean fits, PruneJob.Options options) {
        ModelConfig config = model.config();
        int layers = config.layers();
        long tokenBytes = (long) config.hiddenSize() * compute.type().bytes();
        // Where layers are refitted, the dense model's states stay beside those of what is left.
        long states = calibration.tokenCount() * tokenBytes * (layers + 1) * (fits ? 2 : 1);
        long memory = options.compute().memory();
        long bytes = new StackWriter(model.store(), LayerStack.dense(layers)).bytes();
        PruningMethod.Cost whole = options.healing()
                .map(healing -> new PruningMethod.Cost(cost.rounds(),
                        cost.layerRuns() + Healing.layerRuns(healing, layers, target), cost.headRuns()))
                .orElse(cost);
        long healing = options.healing().isPresent() || fits ? Healing.bytes(config, compute.threads()) : 0;
        return new Estimate(layers, target, config.parameters(layers), config.parameters(target), calibration.count(),
                calibration.tokenCount(), bytes,
                BASE_BYTES + Math.min(states, memory) + Math.min(bytes, 2 * bytes / layers) + healing
                        + workspaceBytes(config, compute, longest(calibration)),
                Math.max(0, states - memory), duration(config, compute, whole, calibration, perplexity, target),
                compute.dtypeName());
    }

    /** Two layers of weights and what each thread needs for a chunk of tokens. */
    private static long workspaceBytes(ModelConfig config, Compute compute, int sequenceLength) {
        long layer = 2 * config.layerParameters() * compute.type().bytes();
        long wide = 3L * config.hiddenSize() + 4L * config.heads() * config.headDim();
        long scores = 1024L * sequenceLength * Float.BYTES;
        long logits = 512L * 8192 * Float.BYTES * 2;
        return layer + compute.threads() * (wide * sequenceLength * Float.BYTES + scores + logits);
    }

    private static int longest(Sequences sequences) {
        return IntStream.range(0, sequences.count()).map(sequences::length).max().orElse(1);
    }

    private static Duration duration(ModelConfig config, Compute compute, PruningMethod.Cost cost,
            Sequences calibration, List<Sequences> perplexity, int target) {
        double operations = cost.layerRuns() * layerOperations(config, calibration)
                + cost.headRuns() * headOperations(config, calibration);
        for (Sequences text : perplexity) {
            operations += (config.layers() + target * 0.7) * layerOperations(config, text)
                    + 2 * headOperations(config, text);
        }
        return Duration.ofMillis((long) (operations / Throughput.measure(config, compute) * 1000));
    }

    private static double headOperations(ModelConfig config, Sequences text) {
        return 2.0 * config.hiddenSize() * config.vocabularySize() * text.tokenCount();
    }

    /** Floating-point operations of one layer: two for each weight and token, and attention over the tokens before. */
    private static double layerOperations(ModelConfig config, Sequences text) {
        double operations = 2.0 * config.layerParameters() * text.tokenCount();
        for (int i = 0; i < text.count(); i++) {
            operations += 2.0 * text.length(i) * text.length(i) * config.heads() * config.headDim();
        }
        return operations;
    }
}
