package dev.come.prune;

import dev.come.InvalidInputException;
import dev.come.checkpoint.CheckedFields;
import dev.come.checkpoint.RecordNames;
import dev.come.checkpoint.Shown;
import dev.come.prune.PruningStep.Action;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.StackJson;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;

/** Reads the steps of a come.json. Each step must lead from the stack before it to its own stack. */
final class PlanSteps {
    /** Shares sum to 1 but for what doubles round. */
    private static final double ROUNDING = 1e-6;

    private final StackJson.Reader stacks;
    private final boolean whole;
    private final List<PruningStep> steps = new ArrayList<>();
    private final Set<Integer> sizes = new TreeSet<>();
    private LayerStack last;

    /**
     * None yet.
     *
     * @param layers layers of the dense model
     * @param whole whether a step must tell of itself what follows from its stack, which version 1 was not held to
     */
    PlanSteps(int layers, StackJson.Reader stacks, boolean whole) {
        this.whole = whole;
        this.stacks = stacks;
        this.last = LayerStack.dense(layers);
        sizes.add(layers);
    }

    List<PruningStep> all() {
        return steps;
    }

    /** @throws InvalidInputException if the step cannot be what was done after those before */
    void add(CheckedFields entry) {
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        if (present("scores", entry)) {
            CheckedFields named = entry.object("scores");
            named.names().forEach(name -> scores.put(name, named.scores(name)));
        }
        PruningStep step = new PruningStep(stacks.stack(entry.list("stack")), action(entry),
                (int) entry.integer("position", Integer.MIN_VALUE, Integer.MAX_VALUE),
                (int) entry.integer("count", Integer.MIN_VALUE, Integer.MAX_VALUE),
                present("ratio", entry) ? entry.numbers("ratio", -ROUNDING, 1 + ROUNDING) : List.of(), scores);
        requireCounts(step, entry);
        requireLayers(step, entry);
        requireRatio(step, entry);
        entry.requireOnly(List.of("layers", "tree", "stack", "action", "position", "count", "ratio", "scores"));
        steps.add(step);
        last = step.stack();
        sizes.add(last.size());
    }

    /** Whether a field is to be read: one that must be there is, so that it is told when it is missing. */
    private boolean present(String key, CheckedFields entry) {
        return whole || entry.has(key);
    }

    private static Action action(CheckedFields entry) {
        String name = entry.text("action");
        return Arrays.stream(Action.values()).filter(action -> RecordNames.name(action).equals(name)).findFirst()
                .orElseThrow(() -> entry.damaged("a step has the action \"" + Shown.of(name) + "\""));
    }

    private void requireCounts(PruningStep step, CheckedFields entry) {
        int before = last.size();
        boolean merge = step.action() == Action.MERGE;
        if (step.count() < (merge ? 2 : 1) || step.position() < 0 || step.position() > before - step.count()
                || step.layersBefore() != before) {
            throw entry.damaged("step " + (steps.size() + 1) + " makes " + step.stack().size() + " layers of " + before
                    + " by " + (merge ? "merging " : step.action() == Action.TRAIN ? "training " : "removing ")
                    + step.count() + " from position " + step.position() + " on, which cannot be");
        }
    }

    /** Checks that a step changes only the layers that it names. Trees do not show weights, so those of other layers may change. */
    private void requireLayers(PruningStep step, CheckedFields entry) {
        int end = step.position() + step.count();
        List<String> expected = new ArrayList<>(trees(last.window(0, step.position())));
        List<LayerNode> changed = last.window(step.position(), step.count());
        switch (step.action()) {
            case MERGE -> expected.add(new LayerStack(changed).tree());
            case REMOVE -> {
            }
            case TRAIN -> expected.addAll(trees(changed));
        }
        expected.addAll(trees(last.window(end, last.size() - end)));
        List<String> found = trees(step.stack().nodes());
        if (!found.equals(expected)) {
            throw entry.damaged("step " + (steps.size() + 1) + " is said to lead to " + found + ", but leads to "
                    + expected);
        }
        if (present("layers", entry) && entry.integer("layers", 0, Integer.MAX_VALUE) != found.size()) {
            throw entry.wrong("layers", "" + found.size());
        }
        if (present("tree", entry) && !entry.text("tree").equals(step.stack().tree())) {
            throw entry.wrong("tree", "\"" + step.stack().tree() + "\", which its stack is");
        }
    }

    private static List<String> trees(List<LayerNode> layers) {
        return layers.stream().map(LayerNode::tree).toList();
    }

    private static void requireRatio(PruningStep step, CheckedFields entry) {
        List<Double> ratio = step.ratio();
        boolean shares = step.action() == Action.MERGE && ratio.size() == step.count()
                && Math.abs(ratio.stream().mapToDouble(Double::doubleValue).sum() - 1) <= ROUNDING;
        if (!ratio.isEmpty() && !shares) {
            throw entry.wrong("ratio", step.action() == Action.MERGE
                    ? "a share for each of " + step.count() + " layers, which sum to 1"
                    : "no shares, for nothing is merged");
        }
    }

    /** @throws InvalidInputException if it is about no stack of the history */
    Measurement evaluation(CheckedFields entry) {
        int layers = (int) entry.integer("layers", 1, Integer.MAX_VALUE);
        if (!sizes.contains(layers)) {
            throw entry.wrong("layers", "a number of layers that the history has: " + sizes);
        }
        Measurement measurement = new Measurement(layers, entry.text("metric"),
                entry.number("value", -Double.MAX_VALUE, Double.MAX_VALUE), entry.has(Measurement.LOG_ERROR)
                        ? OptionalDouble.of(entry.number(Measurement.LOG_ERROR, 0, Double.MAX_VALUE))
                        : OptionalDouble.empty());
        entry.requireOnly(List.of("layers", "metric", "value", Measurement.LOG_ERROR));
        return measurement;
    }
}
