package dev.come.api;

import dev.come.UsageException;
import dev.come.heal.Healing;
import dev.come.job.ComputeChoice;
import dev.come.job.HealJob;
import dev.come.job.ModelSource;
import dev.come.job.PerplexityOptions;
import dev.come.job.Saving;
import dev.come.text.CalibrationSet;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.stream.Stream;

/**
 * Asks for a pruned model to be refitted to the dense one, in closed form and without gradients; {@link #run} does it. Names and
 * defaults are those of {@code come heal}.
 */
public final class Heal extends Making<Heal> {
    private final String teacher;
    private final HealOptions healing = new HealOptions();
    private List<String> datasets = List.of();
    private OptionalLong tokens = OptionalLong.empty();
    private OptionalInt samples = OptionalInt.empty();
    private long seed = CalibrationSet.DEFAULT_SEED;

    Heal(String pruned, String teacher) {
        super(pruned);
        this.teacher = teacher;
    }

    @Override
    Heal self() {
        return this;
    }

    /** Which layers are refitted: {@code all} (the default) from the first edit on, or {@code cut}, those beside edits. */
    public Heal healScope(String name) {
        healing.scope(name);
        return this;
    }

    /** Which projections are refitted: {@code down}, {@code down+o} (the default) or {@code all}. */
    public Heal healTargets(String name) {
        healing.targets(name);
        return this;
    }

    /** How much a token counts: {@code norm} (default), {@code uniform} or {@code loss}. */
    public Heal healWeights(String name) {
        healing.weights(name);
        return this;
    }

    /** How often all layers are refitted; 1 by default. A pass after the first is only taken if the loss falls. */
    public Heal healPasses(int number) {
        healing.passes(number);
        return this;
    }

    /**
     * How the layers before and after a gap are refitted: {@code once} (default), or {@code pair}, with all targets, and then once
     * more if the state behind them comes nearer to the dense one.
     */
    public Heal healSeam(String name) {
        healing.seam(name);
        return this;
    }

    /** The text to fit by: a data set by its name, or a file; the default is wiki2. */
    public Heal calibrateOn(String nameOrFile) {
        datasets = List.of(nameOrFile);
        return this;
    }

    /** The same with a file or folder of text. */
    public Heal calibrateOn(Path file) {
        return calibrateOn(file.toString());
    }

    /** How many rows of the text are taken; the default is 256. */
    public Heal samples(int rows) {
        samples = OptionalInt.of(rows);
        return this;
    }

    /** Takes rows until there are this many tokens, instead of {@link #samples}; the default of a mixture is 65536. */
    public Heal calibrationTokens(long count) {
        tokens = OptionalLong.of(count);
        return this;
    }

    /** Decides which rows are taken; the default is 10. */
    public Heal seed(long number) {
        seed = number;
        return this;
    }

    /**
     * Refits, and writes the model. An interrupted run with the same settings goes on.
     *
     * @throws UsageException if the folder to make was not said, or a value cannot be
     * @throws dev.come.InvalidInputException if the pruned folder has no come.json, was changed since it was written, or was made
     *         from another dense model
     * @throws dev.come.NothingToDoException if no layer comes nearer to the dense model
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     * @throws dev.come.FailedException if anything else goes wrong, such as a disk that is full
     */
    public HealedModel run() {
        return Wording.job(() -> {
            Healing.Options how = healing.options();
            CalibrationSet.Source calibration = calibration(datasets, samples, tokens, seed).ofHealing();
            PerplexityOptions perplexity = perplexity();
            ComputeChoice choice = choice();
            Saving saving = saving().reading(Stream.concat(source().onDisk().stream(),
                    new ModelSource(teacher, Optional.empty()).onDisk().stream()));
            // Last, so that a wrong value is refused before anything is downloaded.
            HealJob.Result result = reported(watch -> new HealJob(new HealJob.Options(folder(), folder(teacher), how,
                    calibration, perplexity, choice, saving, resumption()), watch).run(),
                    _ -> List.of(saving.folder()));
            SequencedMap<String, HealedModel.Perplexities> measured = new LinkedHashMap<>();
            result.perplexities().forEach(ofText -> measured.put(ofText.getFirst().metric(),
                    new HealedModel.Perplexities(ofText.get(0).value(), ofText.get(1).value(),
                            ofText.get(2).value())));
            return HealedModel.of(saving.folder(), result.plan(), measured, result.dtype(), result.healing());
        });
    }
}
