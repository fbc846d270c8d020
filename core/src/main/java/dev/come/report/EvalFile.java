package dev.come.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import tools.jackson.databind.JsonNode;

/**
 * What {@code come eval} has measured, read from its file; {@code dev.come.evaluate.EvaluationReport} has the table of its
 * fields.
 *
 * @param baseline the model that was measured after it
 * @param divergences how far the model is from another one, token by token
 * @param averages means over tasks
 */
public record EvalFile(Model model, Optional<Model> baseline, String comparedWith, List<Distance> divergences,
        List<Mean> averages) {
    static final String FORMAT = "come-eval";

    private static final List<String> METRICS = List.of("acc", "acc_norm", "perplexity", "word_perplexity",
            "byte_perplexity", "bits_per_byte");
    private static final String MATCH = "exact_match,";

    public EvalFile {
        divergences = List.copyOf(divergences);
        averages = List.copyOf(averages);
    }

    /** A model with what was measured on it. */
    public record Model(String name, String fingerprint, int layers, long parameters, String dtype, List<Task> tasks,
            List<Windows> perplexities) {
        public Model {
            tasks = List.copyOf(tasks);
            perplexities = List.copyOf(perplexities);
        }

        /** Its number for a task. */
        Optional<Task> task(String name, String metric) {
            return tasks.stream().filter(task -> task.name.equals(name) && task.metric.equals(metric)).findFirst();
        }
    }

    /**
     * A number of a task.
     *
     * @param group whether it stands for several tasks
     * @param error its standard error
     * @param difference the number less that of the baseline, on the same documents
     * @param differenceError the standard error of the difference, from the differences of single documents
     */
    public record Task(String name, String metric, boolean group, int documents, double value, OptionalDouble error,
            OptionalDouble difference, OptionalDouble differenceError) {}

    /** A perplexity. */
    public record Windows(String metric, double value, int windows, OptionalDouble logError) {}

    /** How far the model is from another one on a text. */
    public record Distance(String metric, long tokens, double mean, double percentile99, double maximum,
            double sameTop, double perplexity, double logDifference, OptionalDouble logDifferenceError) {}

    /** A mean over tasks. */
    public record Mean(String metric, int tasks, double value, OptionalDouble baseline, OptionalDouble retained,
            OptionalDouble differenceError) {}

    static EvalFile of(JsonNode root) {
        Optional<Model> baseline = root.has("baseline") ? Optional.of(model(root.path("baseline"))) : Optional.empty();
        List<Distance> distances = root.path("compared").path("divergences").valueStream()
                .map(entry -> new Distance(entry.path("metric").asString(""), entry.path("tokens").asLong(0),
                        entry.path("mean").asDouble(0), entry.path("percentile_99").asDouble(0),
                        entry.path("maximum").asDouble(0), entry.path("same_top").asDouble(0),
                        entry.path("perplexity").asDouble(0), entry.path("log_perplexity_difference").asDouble(0),
                        RunRecord.number(entry.path("log_perplexity_difference_stderr"))))
                .toList();
        List<Mean> means = root.path("averages").valueStream()
                .map(entry -> new Mean(entry.path("metric").asString(""), entry.path("tasks").asInt(0),
                        entry.path("value").asDouble(0), RunRecord.number(entry.path("baseline")),
                        RunRecord.number(entry.path("retained")), RunRecord.number(entry.path("difference_stderr"))))
                .toList();
        return new EvalFile(model(root.path("model")), baseline, root.path("compared").path("name").asString(""),
                distances, means);
    }

    private static Model model(JsonNode node) {
        List<Task> tasks = new ArrayList<>();
        node.path("groups").properties().forEach(group -> addTo(tasks, group.getKey(), group.getValue(), true));
        node.path("tasks").properties().stream().filter(task -> !task.getValue().has("group"))
                .forEach(task -> addTo(tasks, task.getKey(), task.getValue(), false));
        List<Windows> perplexities = node.path("perplexities").valueStream()
                .map(entry -> new Windows(entry.path("metric").asString(""), entry.path("value").asDouble(0),
                        entry.path("windows").asInt(0), RunRecord.number(entry.path("log_stderr"))))
                .toList();
        return new Model(node.path("name").asString(""), node.path("fingerprint").asString(""),
                node.path("layers").asInt(0), node.path("parameters").asLong(0), node.path("dtype").asString(""), tasks,
                perplexities);
    }

    private static void addTo(List<Task> tasks, String name, JsonNode entry, boolean group) {
        List<String> metrics = new ArrayList<>(METRICS);
        entry.propertyNames().stream().filter(key -> key.startsWith(MATCH)).forEach(metrics::add);
        for (String metric : metrics) {
            if (entry.path(metric).isNumber()) {
                tasks.add(new Task(name, metric, group, entry.path("documents").asInt(0),
                        entry.path(metric).asDouble(), of(entry, metric, "_stderr"), of(entry, metric, "_difference"),
                        of(entry, metric, "_difference_stderr")));
            }
        }
    }

    /** A number that belongs to a metric: its name has the suffix before what follows a comma. */
    private static OptionalDouble of(JsonNode entry, String metric, String suffix) {
        return RunRecord.number(entry.path(named(metric, suffix)));
    }

    static String named(String metric, String suffix) {
        int comma = metric.indexOf(',');
        return comma < 0 ? metric + suffix : metric.substring(0, comma) + suffix + metric.substring(comma);
    }

    /** Whether a number of a task is one of those that are shown. */
    static boolean isMetric(String key) {
        return METRICS.contains(key) || key.startsWith(MATCH);
    }
}
