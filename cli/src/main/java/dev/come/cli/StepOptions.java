package dev.come.cli;

import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.distill.Objective;
import dev.come.distill.Schedule;
import dev.come.distill.Students;
import dev.come.distill.TrainedParts;
import picocli.CommandLine.Option;

/** How a step of training is taken, for every command that trains. */
final class StepOptions {
    private static final DistillationOptions USUAL = DistillationOptions.DEFAULTS;

    @Option(names = "--temperature", paramLabel = "T",
            description = "Divides what KL compares (default: ${DEFAULT-VALUE}).")
    private double temperature = USUAL.temperature();

    @Option(names = "--ce-weight", paramLabel = "W", description = {
        "Add W times the cross-entropy of the text when the whole model is trained; 0: compare with the teacher alone"
                + " (default: ${DEFAULT-VALUE})."})
    private double crossEntropyWeight = USUAL.crossEntropyWeight();

    @Option(names = "--schedule", paramLabel = "NAME",
            description = "Course of the rate after the warm-up: cosine or constant (default: ${DEFAULT-VALUE}).")
    private String schedule = Choice.name(USUAL.schedule().shape());

    @Option(names = "--warmup", paramLabel = "SHARE",
            description = "Share of the steps in which the rate rises (default: ${DEFAULT-VALUE}).")
    private double warmUp = USUAL.schedule().warmUp();

    @Option(names = "--weight-decay", paramLabel = "W",
            description = "Weight decay of matrices, by AdamW (default: ${DEFAULT-VALUE}).")
    private double weightDecay = USUAL.weightDecay();

    @Option(names = "--clip", paramLabel = "LENGTH",
            description = "Shorten longer gradients to this length; 0: shorten none (default: ${DEFAULT-VALUE}).")
    private double clip = USUAL.clip();

    @Option(names = "--seed", paramLabel = "N",
            description = "Decides which text is taken and in which order (default: ${DEFAULT-VALUE}).")
    private long seed = USUAL.seed();

    /**
     * How much is trained on.
     *
     * @param tokens tokens that each single layer is trained on
     */
    record Amounts(long tokens, long modelTokens, long validationTokens, long batchTokens, int evaluateEvery) {}

    /**
     * The highest learning rates.
     *
     * @param layers that of single layers
     */
    record Rates(double layers, double model) {}

    DistillationOptions options(Level level, Objective objective, Amounts amounts, Rates rates, Students students,
            TrainedParts trained, double hiddenWeight) {
        Schedule.Shape shape = Choice.of("--schedule", schedule, Schedule.Shape.values());
        return new DistillationOptions(level, objective, temperature, amounts.tokens, amounts.modelTokens,
                amounts.validationTokens, amounts.batchTokens, new Schedule(shape, rates.layers, warmUp),
                new Schedule(shape, rates.model, warmUp), weightDecay, clip, students, trained,
                hiddenWeight, crossEntropyWeight, amounts.evaluateEvery, seed);
    }

    /** Decides which text is taken and in which order. */
    long seed() {
        return seed;
    }
}
