package dev.come.prune;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.RecordJson;
import dev.come.checkpoint.Shown;
import dev.come.failure.Shortage;
import dev.come.model.ModelConfig;
import dev.come.prune.PruningStep.Action;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How a pruned model was made, with everything that is needed to make it again. It holds the history of stacks and the
 * measurements that decided each step. As a file it is called come.json; {@link PlanJson} lists its fields. It holds no
 * times and no paths, so the same run gives the same bytes.
 *
 * <p>JSON has no infinity. In a list of scores {@code null} is a choice that was forbidden or not measured, in Java positive
 * infinity, and the text {@code "-Infinity"} the logarithm of zero; both are read back as they were. NaN is never written.
 *
 * @param settings what the run depends on: model, method, options, calibration data, compute type; an interrupted run may
 *        only be resumed under the same
 * @param layers layers of the dense model
 * @param steps the steps so far
 * @param evaluations what was measured on stacks of the history
 */
public record PruningPlan(ObjectNode settings, int layers, List<PruningStep> steps, List<Measurement> evaluations) {
    /** The name of the file in a pruned model's folder. */
    public static final String FILE_NAME = "come.json";

    /** The setting that says what the dense model is. */
    public static final String MODEL = "model";

    /** Of the dense model, the kind of each layer, one letter each; absent where all are of one kind. */
    public static final String LAYER_KINDS = "layer_kinds";

    /** The setting that says that only edits were allowed after which the kinds of layers repeat as before; absent if not. */
    public static final String KEEP_PATTERN = "keep_pattern";

    /** The setting that says whose ids texts became; absent if they are those of tokenizer.json. */
    public static final String TOKENIZER_COMPAT = "tokenizer_compat";

    /** The setting that says on which model the layers were chosen; absent if that is {@link #MODEL}. */
    public static final String PLAN_MODEL = "plan_model";

    /** The setting that says how many layers are to be left. */
    public static final String TARGET_LAYERS = "target_layers";

    /** The setting that says how layers were trained afterwards; absent if they were not. */
    public static final String DISTILLATION = "distillation";

    /** The setting that says how layers were refitted in closed form afterwards; absent if that was not asked for. */
    public static final String HEALING = "healing";

    /** The setting that says by which recipe the model was healed and trained; absent if by none. */
    public static final String RECOVERY = "recovery";

    /** What a record of healing or training calls what was measured before it. */
    public static final String EVALUATIONS_BEFORE = "evaluations_before";

    /** A key that is given twice would be taken as it was given last. */
    private static final JsonMapper JSON = JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    public PruningPlan {
        steps = List.copyOf(steps);
        evaluations = List.copyOf(evaluations);
    }

    /** The plan with more steps. */
    public PruningPlan with(List<PruningStep> more) {
        List<PruningStep> longer = new ArrayList<>(steps);
        longer.addAll(more);
        return new PruningPlan(settings, layers, longer, evaluations);
    }

    /** The plan with one more setting. */
    public PruningPlan withSetting(String name, JsonNode value) {
        ObjectNode more = settings.deepCopy();
        more.set(name, value);
        return new PruningPlan(more, layers, steps, evaluations);
    }

    /**
     * The plan with what was measured on its last stack before that was healed.
     *
     * @param setting the record of how it was healed
     * @param before if nothing was measured, nothing is recorded
     */
    public PruningPlan withEvaluationsBefore(String setting, List<Measurement> before) {
        if (before.isEmpty()) {
            return this;
        }
        ObjectNode record = (ObjectNode) settings.path(setting).deepCopy();
        ArrayNode list = record.putArray(EVALUATIONS_BEFORE);
        before.forEach(one -> list.add(one.toJson()));
        return withSetting(setting, record);
    }

    /** The plan with other evaluations. */
    public PruningPlan withEvaluations(List<Measurement> measured) {
        return new PruningPlan(settings, layers, steps, measured);
    }

    /** The stack after the last step. */
    public LayerStack last() {
        return steps.isEmpty() ? LayerStack.dense(layers) : steps.getLast().stack();
    }

    /** What whoever runs the model should know; mostly nothing. */
    public List<String> warnings() {
        String kinds = settings.path(MODEL).path(LAYER_KINDS).asString("");
        LayerPattern pattern = kinds.length() == layers ? LayerPattern.of(kinds) : LayerPattern.ANY;
        return pattern.holds(last()) ? List.of() : List.of(pattern.warning());
    }

    /** The stacks of the history: the dense one first. */
    public List<LayerStack> history() {
        List<LayerStack> history = new ArrayList<>(List.of(LayerStack.dense(layers)));
        steps.forEach(step -> history.add(step.stack()));
        return history;
    }

    /** The last stack in the history for each number of layers, the dense one first. */
    public List<LayerStack> stacksBySize() {
        SequencedMap<Integer, LayerStack> stacks = new LinkedHashMap<>();
        history().forEach(stack -> stacks.put(stack.size(), stack));
        return List.copyOf(stacks.values());
    }

    /** The stack before it was healed; the last one, if it was not. */
    public LayerStack beforeHealing() {
        return isHealed() ? history().get(steps.size() - 1) : last();
    }

    /** Whether layers were given other weights after the last ones went. */
    public boolean isHealed() {
        return !steps.isEmpty() && steps.getLast().action() == Action.TRAIN;
    }

    /**
     * The plan as it was when the given number of layers was left. It includes what was done to these layers before
     * others went.
     *
     * @throws InvalidInputException if it never had so many; the message lists those that it had
     */
    public PruningPlan until(int layersLeft) {
        for (int taken = steps.size(); taken > 0; taken--) {
            if (steps.get(taken - 1).stack().size() == layersLeft) {
                PruningPlan earlier = new PruningPlan(settings.deepCopy(), layers, steps.subList(0, taken), evaluations
                        .stream().filter(evaluation -> evaluation.layers() >= layersLeft).toList());
                earlier.settings.put(TARGET_LAYERS, layersLeft);
                if (taken < steps.size() && earlier.steps.stream().noneMatch(step -> step.action() == Action.TRAIN)) {
                    earlier.settings.remove(List.of(DISTILLATION, HEALING, RECOVERY));
                }
                return earlier;
            }
        }
        throw new InvalidInputException("--target-layers is " + layersLeft + ", but the plan has "
                + Shown.of(steps.stream().map(step -> step.stack().size()).distinct().toList())
                + " layers after its steps; choose one of these");
    }

    /**
     * The plan for another model of the same shape. What was measured on the model that it was made for is left out, but for
     * the scores that decided the steps.
     *
     * @param model what a run records of that model
     * @throws InvalidInputException if layers were given weights of their own, which no other model has
     */
    public PruningPlan forModel(ObjectNode model) {
        if (steps.stream().flatMap(step -> step.stack().nodes().stream()).flatMap(LayerNode::trained).findAny()
                .isPresent()) {
            throw new InvalidInputException(
                    "The plan has layers that were refitted or trained, whose weights belong to "
                            + Shown.of(settings.path(MODEL).path("name"))
                            + " alone; take the plan of the model before it was healed, and heal the result");
        }
        ObjectNode others = settings.deepCopy();
        JsonNode chosenOn = settings.has(PLAN_MODEL) ? settings.path(PLAN_MODEL) : settings.path(MODEL);
        others.remove(List.of(HEALING, DISTILLATION, RECOVERY, PLAN_MODEL));
        others.set(MODEL, model);
        if (!chosenOn.path("fingerprint").equals(model.path("fingerprint"))) {
            others.set(PLAN_MODEL, chosenOn);
        }
        return new PruningPlan(others, layers, steps, List.of());
    }

    /** Whether this is the plan of another run as it was after one of its steps; evaluations do not count. */
    public boolean isStageOf(PruningPlan run) {
        if (!run.history().contains(last())) {
            return false;
        }
        PruningPlan stage = run.until(last().size());
        return stage.steps.equals(steps) && stage.differences(settings).isEmpty();
    }

    /**
     * The plan as the text of its file.
     *
     * @throws FailedException if a score is NaN, or what was measured on a stack is not finite
     */
    public String toJson() {
        return PlanJson.text(this);
    }

    /** Writes the file for a run that is under way, so that it is, at any moment, either as it was or as it is now. */
    public void write(Path file) {
        AtomicFile.writePrivate(file, toJson());
    }

    /**
     * Reads the file.
     *
     * @throws InvalidInputException if it is not a plan, or damaged
     */
    public static PruningPlan read(Path file) {
        return Shortage.reading(file, () -> parse(file));
    }

    private static PruningPlan parse(Path file) {
        try {
            JsonNode tree = JSON.readTree(Limits.read(file, Limits.PLAN_BYTES));
            RecordJson.halfCharacter(tree).ifPresent(place -> {
                throw new InvalidInputException(file + ": " + place + " holds half a character; correct the file");
            });
            return PlanJson.read(tree, file);
        } catch (IOException e) {
            throw new InvalidInputException(
                    file + " cannot be read (" + IoReason.of(e) + "); give the come.json of a pruned model", e);
        } catch (JacksonException e) {
            throw new InvalidInputException(
                    file + " is not a plan (" + Shown.of(e.getOriginalMessage().lines().findFirst().orElse(""))
                            + "); give the come.json of a pruned model",
                    e);
        }
    }

    /**
     * Checks that the plan tells of everything that a run depends on, and of a smaller model.
     *
     * @param file where the plan was read from, for the message
     * @throws InvalidInputException if something is missing
     */
    public void requireWhole(Path file) {
        PlanJson.requireWhole(this, file);
        if (steps.isEmpty()) {
            throw new InvalidInputException(file + " has no steps, so it tells of no pruned model;"
                    + " give the come.json of a run that has ended");
        }
    }

    /**
     * Checks that the plan can be carried out on a model.
     *
     * @param file where the plan was read from, for the message
     * @throws InvalidInputException if its recipes ask for layers, heads or channels that the model does not have
     */
    public void requireFits(ModelConfig config, Path file) {
        if (layers != config.layers()) {
            throw new InvalidInputException(file + " is for a model with " + layers + " layers, but this one has "
                    + config.layers() + "; the file is damaged, give the one that was written");
        }
        steps.stream().flatMap(step -> step.stack().nodes().stream()).filter(node -> !node.fits(config)).findFirst()
                .ifPresent(node -> {
                    throw new InvalidInputException(file + ": the heads and channels of layer " + node.tree()
                            + " are not those of one layer of the model, which has " + config.keyValueHeads()
                            + " key-value heads and " + config.intermediateSize()
                            + " channels; the file is damaged, give the one that was written");
                });
    }

    /** The settings of two runs that differ, as {@code key: one / other}; empty if they are the same. */
    public List<String> differences(ObjectNode others) {
        List<String> differences = new ArrayList<>();
        compare("", settings, others, differences);
        return differences;
    }

    private static void compare(String path, JsonNode one, JsonNode other, List<String> differences) {
        if (one instanceof ObjectNode first && other instanceof ObjectNode second) {
            List<String> keys = new ArrayList<>(first.propertyNames());
            second.propertyNames().stream().filter(key -> !keys.contains(key)).forEach(keys::add);
            keys.forEach(key -> compare(path.isEmpty() ? key : path + "." + key, first.path(key), second.path(key),
                    differences));
        } else if (!one.toString().equals(other.toString())) { // as they are written: a long that fits is read as an int
            differences.add(Shown.of(path) + ": " + Shown.of(one) + " / " + Shown.of(other));
        }
    }
}
