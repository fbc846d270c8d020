package dev.come.evaluate;

import dev.come.evaluate.Evaluation.Results;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import tools.jackson.databind.node.ObjectNode;

/**
 * How much better or worse a model answers than another one. Both were asked the same questions, so the error comes from the
 * differences of single questions; it is less than what the errors of both models suggest where they mostly fail on the same.
 */
record PairedDifferences(Results model, Results baseline) {
    /**
     * The difference of two accuracies.
     *
     * @param mean that of the model less that of the other
     * @param error its standard error; none of a single question
     */
    record Difference(double mean, OptionalDouble error) {}

    /**
     * The difference of a task or of a group.
     *
     * @param metric one that counts right documents; others have none
     */
    Optional<Difference> of(TaskResult task, String metric) {
        List<Double> differences = new ArrayList<>();
        for (String member : members(task)) {
            List<Boolean> ours = right(model, member, metric);
            List<Boolean> theirs = right(baseline, member, metric);
            if (ours.size() != theirs.size()) {
                return Optional.empty();
            }
            for (int i = 0; i < ours.size(); i++) {
                differences.add((ours.get(i) ? 1.0 : 0.0) - (theirs.get(i) ? 1.0 : 0.0));
            }
        }
        return differences.isEmpty()
                ? Optional.empty()
                : Optional.of(new Difference(Scoring.mean(differences), Scoring.standardError(differences)));
    }

    /** The standard error of the difference of two means over tasks, whose questions are independent of each other. */
    OptionalDouble errorOfMean(boolean normalised) {
        List<TaskResult> averaged = model.averaged();
        double squares = 0;
        for (TaskResult task : averaged) {
            String metric = normalised && task.values().containsKey("acc_norm") ? "acc_norm" : "acc";
            OptionalDouble error = of(task, metric).map(Difference::error).orElse(OptionalDouble.empty());
            if (error.isEmpty()) {
                return OptionalDouble.empty();
            }
            squares += error.getAsDouble() * error.getAsDouble();
        }
        return averaged.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(Math.sqrt(squares) / averaged.size());
    }

    /** Adds the difference of a number to its record. */
    void addTo(ObjectNode node, TaskResult task, String metric) {
        of(task, metric).ifPresent(difference -> {
            node.put(TaskResult.named(metric, "_difference"), difference.mean);
            difference.error
                    .ifPresent(error -> node.put(TaskResult.named(metric, "_difference_stderr"), error));
        });
    }

    /** The tasks of a group and of its parts; a task alone. */
    private List<String> members(TaskResult task) {
        List<String> parts = model.groups().stream().filter(part -> part.group().equals(task.task()))
                .map(TaskResult::task).toList();
        List<String> members = model.tasks().stream()
                .filter(one -> one.group().equals(task.task()) || parts.contains(one.group())).map(TaskResult::task)
                .toList();
        return members.isEmpty() ? List.of(task.task()) : members;
    }

    private static List<Boolean> right(Results results, String task, String metric) {
        return results.samples().stream().filter(sample -> sample.task().equals(task))
                .map(sample -> sample.result().right(metric)).flatMap(Optional::stream).toList();
    }
}
