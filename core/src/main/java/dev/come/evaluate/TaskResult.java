package dev.come.evaluate;

import dev.come.FailedException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * What came out of a task, or of a group of tasks.
 *
 * @param version the version of the task's definition
 * @param split the part of the data set that was scored
 * @param shots examples in front of each document
 * @param documents how many documents were scored
 * @param sources the files they come from
 * @param group the group that the task, or part of a group, belongs to; or empty
 * @param values what was measured by its name in lm-evaluation-harness, for example {@code acc_norm}
 * @param errors the standard errors of those values that have one
 */
public record TaskResult(String task, String version, String split, int shots, int documents, List<String> sources,
        String group, SequencedMap<String, Double> values, Map<String, Double> errors) {
    /** @throws FailedException if a value is no number, such as e to a power that is too large */
    public TaskResult {
        values.forEach((metric, value) -> {
            if (!Double.isFinite(value)) {
                throw new FailedException("The " + metric + " of " + task + " is " + value
                        + ", which is no number; the texts have no words, or the weights are damaged");
            }
        });
        sources = List.copyOf(sources);
        values = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(values));
        errors = Map.copyOf(errors);
    }

    /** The name of a number that belongs to a metric; as in lm-evaluation-harness, a filter stays at its end. */
    public static String named(String metric, String suffix) {
        int comma = metric.indexOf(',');
        return comma < 0 ? metric + suffix : metric.substring(0, comma) + suffix + metric.substring(comma);
    }

    /** The accuracy, or NaN for a task that has none. */
    double accuracy() {
        return values.getOrDefault("acc", Double.NaN);
    }

    /** The accuracy by characters; that by sums where the task has no other. */
    double normalisedAccuracy() {
        return values.getOrDefault("acc_norm", accuracy());
    }
}
