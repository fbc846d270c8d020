package dev.come.api;

import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.distill.Objective;
import dev.come.distill.Schedule;
import dev.come.distill.Students;
import dev.come.distill.TrainedParts;
import dev.come.job.Choices;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What all that trains can be told.
 *
 * @param <T> the type of what is told
 */
abstract class Training<T extends Training<T>> extends Making<T> {
    /** What was said, by the option of the command. */
    private final Map<String, Object> said = new LinkedHashMap<>();
    private final List<String> texts = new ArrayList<>();

    Training(String pruned) {
        super(pruned);
    }

    final T say(String option, Object value) {
        said.put(option, value);
        return self();
    }

    final <V> V said(String option, V usual) {
        @SuppressWarnings("unchecked") // the method that has said it takes no other type
        V value = (V) said.getOrDefault(option, usual);
        return value;
    }

    final <E extends Enum<E>> E said(String option, E usual, E[] values) {
        return Choices.of(option, said(option, Choices.name(usual)), values);
    }

    /** What was said, by the options of the command. */
    final Set<String> saidOptions() {
        return said.keySet();
    }

    /** One more text to train on; each gives the same share, or that which is said, as in {@code c4:0.7}. */
    public T calibrateOn(String nameOrFile) {
        texts.add(nameOrFile);
        return self();
    }

    /** The same with a file or folder of text. */
    public T calibrateOn(Path file) {
        return calibrateOn(file.toString());
    }

    final List<String> textsOr(List<String> usual) {
        return texts.isEmpty() ? usual : texts;
    }

    /** Tokens that the whole model is trained on. */
    public T modelTokens(long count) {
        return say("--model-tokens", count);
    }

    /** Tokens held out from training, by which the best weights are found; the default is 16,384, with a recipe its own. */
    public T validationTokens(long count) {
        return say("--validation-tokens", count);
    }

    /** Tokens in a step; the default is 4,096, with a recipe its own. */
    public T batchTokens(long count) {
        return say("--batch-tokens", count);
    }

    /** Divides what KL compares; the default is 1. */
    public T temperature(double value) {
        return say("--temperature", value);
    }

    /**
     * Weights that learn when the whole model is trained: {@code merged} (the default), {@code all} (that of recipes),
     * {@code norms} or {@code last:N}.
     */
    public T train(String which) {
        return say("--train", which);
    }

    /** The weight of the cross-entropy of the text beside KL, where the whole model is trained; the default is 0. */
    public T crossEntropyWeight(double weight) {
        return say("--ce-weight", weight);
    }

    /** The highest learning rate of the whole model; the default is 3e-4, with a recipe its own. */
    public T modelLearningRate(double rate) {
        return say("--model-lr", rate);
    }

    /** The course of the rate after the warm-up: {@code cosine} (the default) or {@code constant}. */
    public T schedule(String name) {
        return say("--schedule", name);
    }

    /** The share of the steps in which the rate rises; the default is 0.05. */
    public T warmUp(double share) {
        return say("--warmup", share);
    }

    /** Weight decay of matrices; the default is 0. */
    public T weightDecay(double weight) {
        return say("--weight-decay", weight);
    }

    /** The length that longer gradients are shortened to, 0: none are; the default is 1. */
    public T clip(double length) {
        return say("--clip", length);
    }

    /** Steps between two measurements of the validation loss, 0: a tenth of all; the default is 0, with a recipe its own. */
    public T evaluateEvery(int steps) {
        return say("--eval-every", steps);
    }

    /** Decides which text is taken and in which order; the default is 10. */
    public T seed(long number) {
        return say("--seed", number);
    }

    /**
     * The options that were said.
     *
     * @param usual what holds where nothing else was said
     * @param tokens tokens that each single layer is trained on
     * @param rate the highest learning rate of single layers
     * @param students which single layers learn, and from what
     */
    final DistillationOptions options(DistillationOptions usual, Level level, Objective objective, long tokens,
            double rate, Students students, double hiddenWeight) {
        Schedule.Shape shape = said("--schedule", usual.schedule().shape(), Schedule.Shape.values());
        double warmUp = said("--warmup", usual.schedule().warmUp());
        return new DistillationOptions(level, objective, said("--temperature", usual.temperature()), tokens,
                said("--model-tokens", tokens), said("--validation-tokens", usual.validationTokens()),
                said("--batch-tokens", usual.batchTokens()), new Schedule(shape, rate, warmUp),
                new Schedule(shape, said("--model-lr", usual.modelSchedule().peak()), warmUp),
                said("--weight-decay", usual.weightDecay()), said("--clip", usual.clip()), students,
                TrainedParts.of(said("--train", usual.trained().label())), hiddenWeight,
                said("--ce-weight", usual.crossEntropyWeight()),
                said("--eval-every", usual.evaluateEvery()), said("--seed", usual.seed()));
    }
}
