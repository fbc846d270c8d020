package dev.come.job;

import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.distill.Schedule;
import dev.come.distill.TrainedParts;
import dev.come.heal.Healing;
import java.util.List;

/**
 * Named sets of options of {@code come recover}; they are here and nowhere else. How long one takes depends on the model, which
 * a dry run tells; the names are meant for SmolLM2-135M at 21 layers on two cores that multiply bfloat16.
 */
@SuppressWarnings("ImmutableEnumChecker") // it is a record of numbers
public enum RecoveryRecipe {
    /** A quarter of an hour. */
    QUICK(55_296, 512, 163_840, 2048, 5e-4, 4096, 20),
    /** An hour. */
    HOUR(147_456, 512, 737_280, 4096, 5e-4, 8192, 30),
    /** Some minutes of a large device, for which a step is larger. */
    GPU(294_912, 1024, 30_015_488, 32_768, 5e-4, 32_768, 92);

    /** What is healed and trained on: encyclopedic text alone helps other text less. */
    public static final List<String> TEXTS = List.of("wiki2:0.5", "c4:0.5");

    private final Recovery recovery;

    RecoveryRecipe(long healingTokens, int trainingWindow, long tokens, long batchTokens, double rate,
            long validationTokens, int evaluateEvery) {
        DistillationOptions usual = DistillationOptions.DEFAULTS;
        Schedule schedule = new Schedule(usual.modelSchedule().shape(), rate, usual.modelSchedule().warmUp());
        recovery = new Recovery(Choices.name(this), healingTokens, Healing.Options.DEFAULTS, trainingWindow,
                new DistillationOptions(Level.MODEL, usual.objective(), usual.temperature(), tokens, tokens,
                        validationTokens, batchTokens, schedule, schedule, usual.weightDecay(), usual.clip(),
                        usual.students(), TrainedParts.ALL, usual.hiddenWeight(), usual.crossEntropyWeight(),
                        evaluateEvery,
                        usual.seed()));
    }

    /** The recipe of a name. */
    public static RecoveryRecipe of(String name) {
        return Choices.of("--recipe", name, values());
    }

    /** What it does. */
    public Recovery recovery() {
        return recovery;
    }
}
