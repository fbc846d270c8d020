package dev.come.api;

import dev.come.UsageException;
import dev.come.job.ComputeChoice;
import dev.come.job.LatencyJob;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Asks for a model to be timed, alone or in turns with another; {@link #run} does it. Names and defaults are those of
 * {@code come latency}.
 */
public final class Latency extends Computing<Latency> {
    private @Nullable String baseline;
    private OptionalDouble removalRatio = OptionalDouble.empty();
    private boolean generation;
    private OptionalInt batch = OptionalInt.empty();
    private OptionalInt promptTokens = OptionalInt.empty();
    private OptionalInt newTokens = OptionalInt.empty();
    private OptionalInt iterations = OptionalInt.empty();

    Latency(String model) {
        super(model);
    }

    @Override
    Latency self() {
        return this;
    }

    /** A model to compare it with, in turns: its path, or a name on the hub. */
    public Latency baseline(String other) {
        baseline = other;
        return this;
    }

    /** Compares the model with itself without this share of its layers. */
    public Latency removalRatio(double share) {
        removalRatio = OptionalDouble.of(share);
        return this;
    }

    /** Times the generation of tokens after the prompts too. */
    public Latency generation() {
        generation = true;
        return this;
    }

    /** Sequences side by side; the default is 1, with generation 64, on a processor 4. */
    public Latency batch(int sequences) {
        batch = OptionalInt.of(sequences);
        return this;
    }

    /** Tokens of each prompt; the default is 2048 or what the model takes, with generation 64. */
    public Latency promptTokens(int count) {
        promptTokens = OptionalInt.of(count);
        return this;
    }

    /** Tokens to generate; the default is 128, on a processor 32. */
    public Latency newTokens(int count) {
        newTokens = OptionalInt.of(count);
        return this;
    }

    /** How often each model is timed; the default is 50, with generation 10, on a processor 5. */
    public Latency iterations(int count) {
        iterations = OptionalInt.of(count);
        return this;
    }

    /**
     * Times.
     *
     * @throws UsageException if a value cannot be, alone or with the others
     * @throws dev.come.InvalidInputException if a model cannot be used
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     */
    public Timings run() {
        return Wording.job(() -> {
            LatencyJob.Work work = new LatencyJob.Work(generation, batch, promptTokens, newTokens, iterations);
            ComputeChoice choice = choice();
            LatencyJob.Request.check(baseline != null, removalRatio);
            return Timings.of(LatencyJob.run(new LatencyJob.Request(folder(),
                    Optional.ofNullable(baseline).map(this::folder), removalRatio, work), choice, progress()));
        });
    }
}
