package dev.come.api;

import dev.come.UsageException;
import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.distill.Objective;
import dev.come.distill.Schedule;
import dev.come.distill.TrainedParts;
import dev.come.job.Choices;
import dev.come.job.ComputeChoice;
import dev.come.job.DistillJob;
import dev.come.job.ModelSource;
import dev.come.job.PerplexityOptions;
import dev.come.job.Saving;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Stream;

/**
 * Asks for the layers of a pruned model to be trained to do what those did that they stand for; {@link #run} does it. Names and
 * defaults are those of {@code come distill}.
 */
public final class Distill extends Making<Distill> {
    private static final DistillationOptions USUAL = DistillationOptions.DEFAULTS;

    private final String teacher;
    /** What was said, by the option of the command. */
    private final Map<String, Object> said = new LinkedHashMap<>();
    private final List<String> texts = new ArrayList<>();
    private int processes;

    Distill(String pruned, String teacher) {
        super(pruned);
        this.teacher = teacher;
    }

    @Override
    Distill self() {
        return this;
    }

    private Distill say(String option, Object value) {
        said.put(option, value);
        return this;
    }

    private <V> V said(String option, V usual) {
        @SuppressWarnings("unchecked") // the method that has said it takes no other type
        V value = (V) said.getOrDefault(option, usual);
        return value;
    }

    private <E extends Enum<E>> E said(String option, E usual, E[] values) {
        return Choices.of(option, said(option, Choices.name(usual)), values);
    }

    /** {@code layer}, {@code model} or {@code both} (the default): single merged layers are trained, then the whole model. */
    public Distill level(String name) {
        return say("--level", name);
    }

    /** One more text to train on; each gives the same share. The default is wiki2. */
    public Distill calibrateOn(String nameOrFile) {
        texts.add(nameOrFile);
        return this;
    }

    /** The same with a file or folder of text. */
    public Distill calibrateOn(Path file) {
        return calibrateOn(file.toString());
    }

    /** Tokens that each layer is trained on, and the whole model too where nothing else is said; the default is 500,000. */
    public Distill tokens(long count) {
        return say("--tokens", count);
    }

    /** Tokens that the whole model is trained on. */
    public Distill modelTokens(long count) {
        return say("--model-tokens", count);
    }

    /** Tokens held out from training, by which the best weights are found; the default is 16,384. */
    public Distill validationTokens(long count) {
        return say("--validation-tokens", count);
    }

    /** Tokens in a step; the default is 4,096. */
    public Distill batchTokens(long count) {
        return say("--batch-tokens", count);
    }

    /** What single layers are trained for: {@code mse} (the default), {@code kl} or {@code cosine}. */
    public Distill objective(String name) {
        return say("--objective", name);
    }

    /** Divides what KL compares; the default is 1. */
    public Distill temperature(double value) {
        return say("--temperature", value);
    }

    /** Weights that learn when the whole model is trained: {@code merged} (the default), {@code all} or {@code norms}. */
    public Distill train(String which) {
        return say("--train", which);
    }

    /** The weight of the squared error of hidden states after merged layers; the default is 0. */
    public Distill hiddenWeight(double weight) {
        return say("--hidden-weight", weight);
    }

    /** The highest learning rate of single layers; the default is 1e-3, for kl 1e-4. */
    public Distill learningRate(double rate) {
        return say("--lr", rate);
    }

    /** The highest learning rate of the whole model; the default is 3e-4. */
    public Distill modelLearningRate(double rate) {
        return say("--model-lr", rate);
    }

    /** The course of the rate after the warm-up: {@code cosine} (the default) or {@code constant}. */
    public Distill schedule(String name) {
        return say("--schedule", name);
    }

    /** The share of the steps in which the rate rises; the default is 0.05. */
    public Distill warmUp(double share) {
        return say("--warmup", share);
    }

    /** Weight decay of matrices; the default is 0. */
    public Distill weightDecay(double weight) {
        return say("--weight-decay", weight);
    }

    /** The length that longer gradients are shortened to, 0: none are; the default is 1. */
    public Distill clip(double length) {
        return say("--clip", length);
    }

    /** Steps between two measurements of the validation loss, 0: a tenth of all; the default is 0. */
    public Distill evaluateEvery(int steps) {
        return say("--eval-every", steps);
    }

    /** Decides which text is taken and in which order; the default is 10. */
    public Distill seed(long number) {
        return say("--seed", number);
    }

    /** How many processes train single layers at once; the default is 0: this one does. */
    public Distill processes(int count) {
        if (count < 0) {
            throw new UsageException("processes(" + count + "): must be 0 or more");
        }
        processes = count;
        return say("--mode", count);
    }

    /**
     * Trains, and writes the model. An interrupted run with the same settings goes on.
     *
     * @throws UsageException if the folder to make was not said, or a value cannot be
     * @throws dev.come.InvalidInputException if the pruned folder has no come.json, was changed since it was written, or was made
     *         from another dense model
     * @throws dev.come.NothingToDoException if there is no layer to train, or none became better
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     * @throws dev.come.FailedException if anything else goes wrong, such as a disk that is full
     */
    public HealedModel run() {
        return Wording.job(() -> {
            DistillationOptions options = options();
            options.requireUsed(said.keySet());
            List<DistillJob.Text> sources = texts(texts.isEmpty() ? List.of(DistillJob.DEFAULT_TEXT) : texts);
            PerplexityOptions perplexity = perplexity();
            ComputeChoice choice = choice();
            Saving saving = saving().reading(Stream.concat(source().onDisk().stream(),
                    new ModelSource(teacher, Optional.empty()).onDisk().stream()));
            // Last, so that a wrong value is refused before anything is downloaded.
            DistillJob.Result result = reported(watch -> new DistillJob(new DistillJob.Options(folder(),
                    folder(teacher), sources, windows(), options, processes, perplexity, choice, saving, resumption()),
                    watch).run(), _ -> List.of(saving.folder()));
            return HealedModel.of(saving.folder(), result.plan(), perplexities(result), result.dtype(),
                    result.training());
        });
    }

    private DistillationOptions options() {
        Objective objective = said("--objective", USUAL.objective(), Objective.values());
        Schedule.Shape shape = said("--schedule", USUAL.schedule().shape(), Schedule.Shape.values());
        double warmUp = said("--warmup", USUAL.schedule().warmUp());
        long tokens = said("--tokens", USUAL.tokens());
        return new DistillationOptions(said("--level", USUAL.level(), Level.values()), objective,
                said("--temperature", USUAL.temperature()), tokens, said("--model-tokens", tokens),
                said("--validation-tokens", USUAL.validationTokens()), said("--batch-tokens", USUAL.batchTokens()),
                new Schedule(shape, said("--lr", objective.rate()), warmUp),
                new Schedule(shape, said("--model-lr", USUAL.modelSchedule().peak()), warmUp),
                said("--weight-decay", USUAL.weightDecay()), said("--clip", USUAL.clip()),
                said("--train", USUAL.trained(), TrainedParts.values()), said("--hidden-weight", USUAL.hiddenWeight()),
                said("--eval-every", USUAL.evaluateEvery()), said("--seed", USUAL.seed()));
    }

    private static SequencedMap<String, HealedModel.Perplexities> perplexities(DistillJob.Result result) {
        PruningPlan plan = result.plan();
        SequencedMap<String, HealedModel.Perplexities> measured = new LinkedHashMap<>();
        result.prunedEvaluations().forEach(pruned -> measured.put(pruned.metric(), new HealedModel.Perplexities(
                value(plan, pruned.metric(), plan.layers()), pruned.value(),
                value(plan, pruned.metric(), plan.last().size()))));
        return measured;
    }

    private static double value(PruningPlan plan, String metric, int layers) {
        return plan.evaluations().stream()
                .filter(evaluation -> evaluation.metric().equals(metric) && evaluation.layers() == layers)
                .mapToDouble(Measurement::value).findFirst().orElseThrow();
    }
}
