package dev.come.api;

import dev.come.distill.DistillationOptions;
import dev.come.job.ComputeChoice;
import dev.come.job.ModelSource;
import dev.come.job.PerplexityOptions;
import dev.come.job.RecoverJob;
import dev.come.job.Recovery;
import dev.come.job.RecoveryEstimate;
import dev.come.job.RecoveryRecipe;
import dev.come.job.Saving;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Stream;

/**
 * Asks for a pruned model to be healed in closed form and then trained as a whole, by a recipe; {@link #run} does it. Names and
 * defaults are those of {@code come recover}.
 */
public final class Recover extends Training<Recover> {
    private final String teacher;
    private final HealOptions healing = new HealOptions();

    Recover(String pruned, String teacher) {
        super(pruned);
        this.teacher = teacher;
    }

    @Override
    Recover self() {
        return this;
    }

    /** The options that hold where nothing else is said: those of {@code quick} (the default), {@code hour} or {@code gpu}. */
    public Recover recipe(String name) {
        return say("--recipe", name);
    }

    /** Tokens to heal on; the default is that of the recipe. */
    public Recover calibrationTokens(long count) {
        return say("--calibration-tokens", count);
    }

    /** Tokens in a window that is trained on; the default is that of the recipe, or the positions if they are fewer. */
    public Recover trainingWindow(int tokens) {
        return say("--train-seqlen", tokens);
    }

    /** Which layers are refitted: {@code all} (the default) from the first edit on, or {@code cut}, those beside edits. */
    public Recover healScope(String name) {
        healing.scope(name);
        return this;
    }

    /** Which projections are refitted: {@code down}, {@code down+o} (the default) or {@code all}. */
    public Recover healTargets(String name) {
        healing.targets(name);
        return this;
    }

    /** How much a token counts: {@code norm} (default), {@code uniform} or {@code loss}. */
    public Recover healWeights(String name) {
        healing.weights(name);
        return this;
    }

    /** How often all layers are refitted; 1 by default. A pass after the first is only taken if the loss falls. */
    public Recover healPasses(int number) {
        healing.passes(number);
        return this;
    }

    /**
     * How the layers before and after a gap are refitted: {@code once} (default), or {@code pair}, with all targets, and then once
     * more if the state behind them comes nearer to the dense one.
     */
    public Recover healSeam(String name) {
        healing.seam(name);
        return this;
    }

    /**
     * Heals and trains, and writes the model. An interrupted run with the same settings goes on.
     *
     * @return the trained model; its {@code healing} is the time of both stages
     * @throws dev.come.UsageException if the folder to make was not said, or a value cannot be
     * @throws dev.come.InvalidInputException if the pruned folder has no come.json, was changed since it was written, or was made
     *         from another dense model
     * @throws dev.come.NothingToDoException if training made nothing better
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     * @throws dev.come.FailedException if anything else goes wrong, such as a disk that is full
     */
    public HealedModel run() {
        return Wording.job(() -> {
            Saving saving = saving();
            RecoverJob.Options options = options(saving);
            RecoverJob.Result result = reported(watch -> new RecoverJob(options, watch).run(),
                    _ -> List.of(saving.folder()));
            return HealedModel.of(saving.folder(), result.plan(), perplexities(result), result.dtype(),
                    result.healing().plus(result.training()));
        });
    }

    /**
     * Tells what {@link #run} would do and need; writes nothing.
     *
     * @throws dev.come.ComeException as {@link #run}
     */
    public Needs needs() {
        return Wording.job(() -> {
            RecoveryEstimate estimate = new RecoverJob(options(saving()), progress()).estimate();
            return new Needs(estimate.healingTokens(), estimate.trainingTokens(), estimate.steps(),
                    estimate.memoryBytes(), estimate.savedBytes(), estimate.temporaryBytes(),
                    estimate.healing().least().plus(estimate.training().least()),
                    estimate.healing().most().plus(estimate.training().most()));
        });
    }

    private RecoverJob.Options options(Saving saving) {
        Recovery usual = RecoveryRecipe.of(said("--recipe", RecoveryRecipe.QUICK.recovery().recipe())).recovery();
        DistillationOptions training = usual.training();
        double rate = said("--model-lr", training.modelSchedule().peak());
        Recovery recovery = new Recovery(usual.recipe(), said("--calibration-tokens", usual.healingTokens()),
                healing.options(), said("--train-seqlen", usual.trainingWindow()),
                options(training, training.level(), training.objective(),
                        training.tokens(), rate, training.students(), training.hiddenWeight()));
        RecoverJob.Text text = new RecoverJob.Text(textsOr(RecoveryRecipe.TEXTS), library(), textField(), windows());
        PerplexityOptions perplexity = perplexity();
        ComputeChoice choice = choice();
        Saving reading = saving.reading(Stream.concat(source().onDisk().stream(),
                new ModelSource(teacher, Optional.empty()).onDisk().stream()));
        // Last, so that a wrong value is refused before anything is downloaded.
        return new RecoverJob.Options(folder(), folder(teacher), recovery, text, perplexity, choice, reading,
                resumption());
    }

    private static SequencedMap<String, HealedModel.Perplexities> perplexities(RecoverJob.Result result) {
        PruningPlan plan = result.plan();
        List<Measurement> before = result.pruned().isEmpty() ? result.healed() : result.pruned();
        SequencedMap<String, HealedModel.Perplexities> measured = new LinkedHashMap<>();
        before.forEach(one -> measured.put(one.metric(), new HealedModel.Perplexities(
                HealedModel.value(plan, one.metric(), plan.layers()), one.value(),
                HealedModel.value(plan, one.metric(), plan.last().size()))));
        return measured;
    }
}
