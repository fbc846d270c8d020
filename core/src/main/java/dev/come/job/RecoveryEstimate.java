package dev.come.job;

import dev.come.FailedException;
import dev.come.checkpoint.RecordJson;
import dev.come.distill.DistillationOptions;
import dev.come.distill.TrainingCost;
import dev.come.heal.HealingCost;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.text.CalibrationSet;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.time.Duration;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a recovery will do and need, from sizes and from short measurements of the processor and of reading.
 *
 * @param recipe its name
 * @param layers layers of the pruned model
 * @param healingTokens tokens that it is healed on
 * @param textTokens tokens that there are to train on
 * @param trainingTokens tokens of all steps; more than there are means several times
 * @param steps of training
 * @param validationTokens tokens that nothing is trained on
 * @param memoryBytes resident memory at the peak, roughly
 * @param savedBytes bytes of the model that is saved
 * @param temporaryBytes bytes that lie beside it meanwhile, at the most
 * @param healing time of the first stage on an idle machine
 * @param training time of the second
 */
public record RecoveryEstimate(String recipe, int layers, int healingTokens, long textTokens, long trainingTokens,
        int steps, long validationTokens, long memoryBytes, long savedBytes, long temporaryBytes, Range healing,
        Range training, String dtype) {
    /** From the least to the most. */
    public record Range(Duration least, Duration most) {
        static Range of(ExpectedTime time) {
            return new Range(time.least(), time.most());
        }
    }

    /** Makes it; nothing is written. */
    static RecoveryEstimate of(OpenModel model, PrunedFolder pruned, Recovery recovery, Compute compute, long memory,
            CalibrationSet calibration, TrainingText text) {
        ModelConfig config = model.config();
        DistillationOptions training = recovery.training();
        int layers = config.layers();
        int left = pruned.stack().size();
        Sequences healed = calibration.sequences();
        TrainingCost.Steps steps = TrainingCost.steps(training, text.training());
        long tokens = (long) text.training().tokenCount() + text.validation().tokenCount();
        DiskUse disk = DiskUse.of(pruned.store(), pruned.stack(), true);
        double read = DiskUse.readInASecond(model.checkpoint().tensors());
        ExpectedTime.Stages time = ExpectedTime.of(model, compute,
                new ExpectedTime.Healed(HealingCost.layerRuns(recovery.healing(), layers, left), healed,
                        HealingCost.solving(config, recovery.healing(), layers, left, compute.threads())),
                new ExpectedTime.Training(
                        TrainingCost.layerRuns(training, layers, pruned.stack(), (double) tokens)
                                + TrainingCost.validations(training, steps.count()) * left,
                        TrainingCost.headRuns(training), text.training().slice(0, 1)),
                disk.saved() / read + disk.secondsOfWriting(read));
        long states = Math.min(memory, Math.max(Estimate.stateBytes(config, compute, healed, true),
                tokens * config.hiddenSize() * compute.type().bytes() * 2));
        long healingBytes = Estimate.memory(model, compute,
                HealingCost.bytes(config, compute.threads()) + states, Estimate.longest(healed));
        long learning = TrainingCost.bytes(config, training, pruned.stack(), compute.threads()) + states;
        return new RecoveryEstimate(recovery.recipe(), left, healed.tokenCount(), text.training().tokenCount(),
                steps.tokens(), steps.count(), text.validation().tokenCount(),
                Math.max(healingBytes, Estimate.BASE_BYTES + learning + learning / Estimate.ALLOCATOR), disk.saved(),
                temporary(disk, tokens * config.hiddenSize() * compute.type().bytes() * 2 - memory),
                Range.of(time.healing()), Range.of(time.training()), compute.dtypeName());
    }

    /** The healed model, the layers that were trained, and states that do not fit. */
    private static long temporary(DiskUse disk, long spilled) {
        return disk.saved() + disk.beside() + Math.max(0, spilled);
    }

    /**
     * Checks that there is room for all of it.
     *
     * @throws FailedException if there is not
     */
    public void requireRoom(Path target) {
        new DiskUse(savedBytes, temporaryBytes, 0).requireRoom(target);
    }

    /** As JSON, by the rules of {@link RecordJson}: the components under their names, times in seconds. */
    public String json() {
        ObjectNode root = RecordJson.file("come-recovery-estimate", 1).put("recipe", recipe).put("layers", layers)
                .put("healing_tokens", healingTokens).put("text_tokens", textTokens)
                .put("training_tokens", trainingTokens).put("steps", steps)
                .put("validation_tokens", validationTokens).put("memory_bytes", memoryBytes)
                .put("saved_bytes", savedBytes).put("temporary_bytes", temporaryBytes);
        put(root, "healing", healing);
        put(root, "training", training);
        return RecordJson.text(root.put("dtype", dtype));
    }

    private static void put(ObjectNode root, String stage, Range range) {
        root.put(stage + "_seconds_least", range.least.toMillis() / 1000.0);
        root.put(stage + "_seconds_most", range.most.toMillis() / 1000.0);
    }
}
