package dev.come.job;

import dev.come.calibration.GradientCost;
import dev.come.calibration.LeverageCost;
import dev.come.checkpoint.RecordJson;
import dev.come.heal.HealingCost;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.prune.PruningMethod.Cost;
import dev.come.text.Sequences;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a run will do and need, from sizes and from short measurements of the processor and of reading.
 *
 * @param layers layers before
 * @param targetLayers layers after
 * @param denseParameters parameters before
 * @param parameters parameters after
 * @param sequences calibration sequences
 * @param tokens calibration tokens
 * @param healedLayers layers that are refitted in the end, at the most
 * @param memoryBytes resident memory at the peak, roughly
 * @param savedBytes bytes of the models that are saved
 * @param temporaryBytes bytes that lie beside them meanwhile: refitted layers, and hidden states that do not fit --memory
 * @param least time on an idle machine, at the least
 * @param most the same at the most
 * @param transfer the part of it that goes into reading weights and writing models
 */
public record Estimate(int layers, int targetLayers, long denseParameters, long parameters, int sequences, int tokens,
        int healedLayers, long memoryBytes, long savedBytes, long temporaryBytes, Duration least, Duration most,
        Duration transfer,
        String dtype) {
    /** The process without a model: Java, the tensor engine, the tokenizer. */
    static final long BASE_BYTES = 450_000_000L;
    /** The allocator holds about one part in so many that nobody uses any more. */
    static final int ALLOCATOR = 8;

    /**
     * Estimates as JSON, by the rules of {@link RecordJson}: {@code estimates} holds, for each method, {@code method} and the
     * components under their names, with {@code seconds_least} and {@code seconds_most} for the time.
     */
    public static String json(Estimates estimates) {
        ObjectNode root = RecordJson.file("come-estimate", 1);
        ArrayNode list = root.putArray("estimates");
        estimates.byMethod().forEach((method, one) -> list.addObject().put("method", method).put("layers", one.layers)
                .put("target_layers", one.targetLayers).put("dense_parameters", one.denseParameters)
                .put("parameters", one.parameters).put("sequences", one.sequences).put("tokens", one.tokens)
                .put("healed_layers", one.healedLayers).put("memory_bytes", one.memoryBytes)
                .put("saved_bytes", one.savedBytes).put("temporary_bytes", one.temporaryBytes)
                .put("seconds_least", seconds(one.least)).put("seconds_most", seconds(one.most))
                .put("transfer_seconds", seconds(one.transfer)).put("dtype", one.dtype));
        return RecordJson.text(root);
    }

    private static double seconds(Duration time) {
        return time.toMillis() / 1000.0;
    }

    /**
     * What a method measures.
     *
     * @param fits whether layers are refitted for it
     * @param sideBySide how many layers are run as one
     * @param gradients whether it takes gradients
     */
    record Measuring(boolean fits, int sideBySide, boolean gradients) {}

    /**
     * What a run will need.
     *
     * @param searched the tokens that layers are chosen on
     * @param calibration all tokens, which the model is healed on
     * @param disk what is written
     */
    static Estimate of(OpenModel model, Compute compute, Cost cost, int target, Sequences searched,
            Sequences calibration, List<Sequences> perplexity, Measuring measuring, DiskUse disk,
            PruneJob.Options options) {
        ModelConfig config = model.config();
        int layers = config.layers();
        double healingRuns = options.healing().map(how -> HealingCost.layerRuns(how, layers, target)).orElse(0.0);
        double solving = options.healing()
                .map(how -> HealingCost.solving(config, how, layers, target, compute.threads())).orElse(0.0);
        long layerBytes = DiskUse.layerBytes(model.store());
        long healing = Math.max(
                options.healing().isPresent() || measuring.fits ? HealingCost.bytes(config, compute.threads()) : 0,
                measuring.sideBySide > 1
                        ? LeverageCost.bytes(config, compute.threads(), measuring.sideBySide)
                                + measuring.sideBySide * layerBytes
                        : 0);
        long graphs = measuring.gradients ? GradientCost.graphs(config, calibration) : 0;
        long gradients = measuring.gradients ? GradientCost.bytes(config, calibration, compute.threads()) : 0;
        double read = DiskUse.readInASecond(model.checkpoint().tensors());
        double transfer = layerBytes
                * (cost.layerRuns() + healingRuns + (layers + target) * (double) perplexity.size() + target)
                / read + disk.secondsOfWriting(read);
        Duration transferred = Duration.ofMillis(Math.round(1000 * transfer));
        ExpectedTime time = ExpectedTime.of(model, compute, cost, searched,
                new ExpectedTime.Healed(healingRuns, calibration, solving), perplexity, target, transfer);
        return new Estimate(layers, target, config.parameters(layers), config.parameters(target), calibration.count(),
                calibration.tokenCount(), options.healing().map(how -> HealingCost.fits(how, layers, target)).orElse(0),
                memory(model, compute, healing + gradients + Math.min(
                        stateBytes(config, compute, calibration, measuring.fits) + graphs, options.compute().memory()),
                        longest(calibration)),
                disk.saved(), disk.beside() + disk.spilled(),
                time.least(), time.most(), transferred, compute.dtypeName());
    }

    /** Bytes of all hidden states that a run keeps at once. */
    static long stateBytes(ModelConfig config, Compute compute, Sequences calibration, boolean fits) {
        // Where layers are refitted, the dense model's states stay beside those of what is left.
        return (long) calibration.tokenCount() * config.hiddenSize() * compute.type().bytes() * (config.layers() + 1)
                * (fits ? 2 : 1);
    }

    /**
     * Resident memory of a run of layers, roughly.
     *
     * @param kept bytes besides, such as those of hidden states
     */
    static long memory(OpenModel model, Compute compute, long kept, int sequenceLength) {
        long stored = DiskUse.layerBytes(model.store());
        long computed = model.config().layerParameters() * compute.type().bytes();
        // A layer is run with the numbers that are stored, or with a copy in the type of computing.
        long needed = kept + 2 * computed + (stored == computed ? 0 : stored)
                + workspaceBytes(model.config(), compute, sequenceLength);
        return BASE_BYTES + needed + needed / ALLOCATOR;
    }

    /** What each thread needs for a chunk of tokens. */
    private static long workspaceBytes(ModelConfig config, Compute compute, int sequenceLength) {
        long wide = 3L * config.hiddenSize() + 4L * config.heads() * config.headDim();
        long scores = 1024L * sequenceLength * Float.BYTES;
        long logits = 512L * 8192 * Float.BYTES * 2;
        return compute.threads() * (wide * sequenceLength * Float.BYTES + scores + logits);
    }

    static int longest(Sequences sequences) {
        return IntStream.range(0, sequences.count()).map(sequences::length).max().orElse(1);
    }
}
