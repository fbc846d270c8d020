package dev.come.api;

import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.EvaluationReport.Measured;
import dev.come.evaluate.TaskResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.stream.Stream;

/**
 * What was measured on a model.
 *
 * @param tasks the tasks, in the order that was asked for, then groups of tasks
 * @param perplexity by the name of what was measured: data, unit, window and BOS rule
 * @param divergences how far the model is from the one that it was compared with; none without one
 * @param baseline what was measured on the other model, if there is one; it has no baseline itself
 */
public record Evaluation(List<Task> tasks, SequencedMap<String, Double> perplexity, List<Divergence> divergences,
        Optional<Evaluation> baseline) {
    /**
     * What came out of a task, or of a group of tasks.
     *
     * @param name its name
     * @param documents how many documents were scored
     * @param values what was measured by its name in lm-evaluation-harness, such as {@code acc_norm}
     * @param standardErrors the standard errors of those that have one
     */
    public record Task(String name, int documents, SequencedMap<String, Double> values,
            Map<String, Double> standardErrors) {}

    /**
     * The distance from another model on a text, which is KL(other || model) of the probabilities of each next token.
     *
     * @param metric what was measured: data, unit, window and BOS rule
     * @param tokens how many tokens
     * @param mean in nats for each token
     * @param percentile99 the least of the tokens' values that 99 % of them do not exceed, in nats
     * @param maximum the largest of them, in nats
     * @param sameTop the share of tokens whose likeliest next token is the same
     * @param logPerplexityDifference in nats; less than 0: the model is better
     * @param standardError of that difference; none of a single token
     */
    public record Divergence(String metric, long tokens, double mean, double percentile99, double maximum,
            double sameTop, double logPerplexityDifference, OptionalDouble standardError) {}

    /** The task of a name, or the group. */
    public Optional<Task> task(String name) {
        return tasks.stream().filter(task -> task.name().equals(name)).findFirst();
    }

    static Evaluation of(EvaluationReport report) {
        List<Divergence> divergences = new ArrayList<>();
        report.compared().ifPresent(compared -> compared.divergences()
                .forEach(one -> divergences.add(new Divergence(one.metric(), one.tokens(), one.mean(),
                        one.percentile99(), one.maximum(), one.sameTop(), one.logPerplexityDifference(),
                        one.standardError()))));
        return of(report.model(), divergences, report.baseline().map(other -> of(other, List.of(), Optional.empty())));
    }

    private static Evaluation of(Measured measured, List<Divergence> divergences, Optional<Evaluation> baseline) {
        SequencedMap<String, Double> perplexity = new LinkedHashMap<>();
        measured.perplexities().forEach(one -> perplexity.put(one.metric(), one.value()));
        return new Evaluation(Stream.concat(measured.results().tasks().stream(), measured.results().groups().stream())
                .map(Evaluation::task).toList(), perplexity, divergences, baseline);
    }

    private static Task task(TaskResult result) {
        return new Task(result.task(), result.documents(), result.values(), result.errors());
    }
}
