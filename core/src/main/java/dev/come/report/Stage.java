package dev.come.report;

import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningStep;
import dev.come.prune.PruningStep.Action;
import dev.come.report.Drawing.Shape;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import tools.jackson.databind.JsonNode;

/** What a model is on its way from dense to distilled. */
enum Stage {
    DENSE("dense", Shape.SQUARE), PRUNED("pruned", Shape.CIRCLE), HEALED("healed", Shape.DIAMOND), DISTILLED(
            "distilled",
            Shape.TRIANGLE);

    private final String word;
    private final Shape shape;

    Stage(String word, Shape shape) {
        this.word = word;
        this.shape = shape;
    }

    /** In a word, which is also the name of its style. */
    String word() {
        return word;
    }

    Shape shape() {
        return shape;
    }

    /**
     * A number measured on a model at a stage.
     *
     * @param logError standard error of its logarithm, if it is known
     */
    record Measured(Stage stage, int layers, String metric, double value, OptionalDouble logError) {
        /** The standard error of the value, in words that follow it. */
        String error() {
            return logError.stream().mapToObj(error -> " ± " + Figures.decimals(error * value)).findFirst().orElse("");
        }
    }

    /** What the last layers of a plan are. */
    static Stage of(PruningPlan plan) {
        return ofSteps(plan.steps());
    }

    private static Stage ofSteps(List<PruningStep> steps) {
        if (steps.isEmpty()) {
            return DENSE;
        }
        PruningStep last = steps.getLast();
        if (last.action() != Action.TRAIN) {
            return PRUNED;
        }
        boolean distilled = last.stack().nodes().subList(last.position(), last.position() + last.count()).stream()
                .anyMatch(node -> node instanceof Trained trained && trained.training() == Training.DISTILLED);
        return distilled ? DISTILLED : HEALED;
    }

    /** All numbers of a plan, those of its stages before included. */
    static List<Measured> measured(PruningPlan plan) {
        List<Measured> measured = new ArrayList<>();
        int left = plan.last().size();
        Stage last = of(plan);
        for (Measurement one : plan.evaluations()) {
            Stage stage = one.layers() == plan.layers() && left != plan.layers()
                    ? DENSE
                    : one.layers() == left ? last : PRUNED;
            measured.add(new Measured(stage, one.layers(), one.metric(), one.value(), one.logError()));
        }
        if (plan.isHealed()) {
            Stage before = ofSteps(plan.steps().subList(0, plan.steps().size() - 1));
            for (String setting : List.of(PruningPlan.HEALING, PruningPlan.DISTILLATION)) {
                boolean pruned = setting.equals(PruningPlan.HEALING);
                for (JsonNode entry : plan.settings().path(setting).path("evaluations_before")) {
                    measured.add(new Measured(pruned ? PRUNED : before, left, entry.path("metric").asString(""),
                            entry.path("value").asDouble(), RunRecord.number(entry.path("log_stderr"))));
                }
            }
        }
        return measured.stream().distinct().toList();
    }

    /** The number of a plan at a stage, if it was measured. */
    static Optional<Measured> find(List<Measured> all, Stage stage, String metric) {
        return all.stream().filter(one -> one.stage == stage && one.metric.equals(metric)).findFirst();
    }
}
