package dev.come.evaluate;

import dev.come.Version;
import dev.come.evaluate.Document.Page;
import dev.come.evaluate.Document.Question;
import dev.come.evaluate.Evaluation.Results;
import dev.come.evaluate.Evaluation.Sample;
import dev.come.run.Continuation.Score;
import dev.come.run.ContinuationScores;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What was measured on a model, and on one that it is compared with. As a file it holds no times and no paths: the same
 * measurement gives the same bytes.
 *
 * @param settings what the numbers depend on besides the models
 * @param model the model
 * @param compared the model that it was run beside, token by token
 * @param baseline the model that was measured after it
 */
public record EvaluationReport(ObjectNode settings, Measured model, Optional<Compared> compared,
        Optional<Measured> baseline) {
    private static final JsonMapper LINES = new JsonMapper();
    private static final JsonMapper JSON = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    /**
     * A model with its numbers.
     *
     * @param about what it is: name, fingerprint, sizes, compute type
     * @param perplexities those by the convention of SLEB and CoMe
     */
    public record Measured(ObjectNode about, Results results, List<Perplexity> perplexities) {
        public Measured {
            perplexities = List.copyOf(perplexities);
        }
    }

    /**
     * A model beside which another was run.
     *
     * @param about what it is: name, fingerprint, sizes, compute type
     * @param divergences how far the other is from it, on each text
     */
    public record Compared(ObjectNode about, List<Divergence> divergences) {
        public Compared {
            divergences = List.copyOf(divergences);
        }
    }

    /**
     * A mean over tasks.
     *
     * @param metric what it is the mean of
     * @param tasks how many tasks there are; a group counts as one
     * @param baseline that of the other model
     */
    public record Average(String metric, int tasks, double value, OptionalDouble baseline) {
        /** Which share of the other model's average is left. */
        public OptionalDouble retained() {
            return baseline.isPresent() ? OptionalDouble.of(value / baseline.getAsDouble()) : OptionalDouble.empty();
        }
    }

    /** What the numbers of these tasks depend on besides the model. */
    public static ObjectNode settings(EvaluationOptions options) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("tool", Version.NAME);
        settings.put("harness_version", options.harness().toString());
        settings.put("bos", options.bosRule().toString());
        settings.put("num_fewshot", options.shots());
        settings.put("fewshot_seed", TaskData.SEED);
        settings.put("batch_tokens", ContinuationScores.CHUNK_TOKENS);
        if (options.limit() == EvaluationOptions.ALL) {
            settings.putNull("limit");
        } else {
            settings.put("limit", options.limit());
        }
        if (options.maxLength() == EvaluationOptions.ALL) {
            settings.putNull("max_length");
        } else {
            settings.put("max_length", options.maxLength());
        }
        return settings;
    }

    /** The means of accuracies over all tasks that have one; none if there is no such task. */
    public List<Average> averages() {
        if (model.results.averaged().isEmpty()) {
            return List.of();
        }
        Average plain = average("acc", TaskResult::accuracy);
        boolean same = model.results.averaged().stream().noneMatch(task -> task.values().containsKey("acc_norm"));
        return same
                ? List.of(plain)
                : List.of(plain, average("acc_norm, or acc where there is none", TaskResult::normalisedAccuracy));
    }

    private Average average(String metric, ToDoubleFunction<TaskResult> value) {
        return new Average(metric, model.results.averaged().size(), mean(model.results, value),
                baseline.map(other -> OptionalDouble.of(mean(other.results, value))).orElse(OptionalDouble.empty()));
    }

    private static double mean(Results results, ToDoubleFunction<TaskResult> value) {
        return results.averaged().stream().mapToDouble(value).average().orElseThrow();
    }

    /** The report as the text of its file. */
    public String toJson() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("format", "come-eval-1");
        root.set("settings", settings);
        root.set(ScoredModel.MODEL, json(model));
        compared.ifPresent(other -> root.set("compared", json(other)));
        baseline.ifPresent(other -> root.set(ScoredModel.BASELINE, json(other)));
        ArrayNode averages = root.putArray("averages");
        for (Average average : averages()) {
            ObjectNode node = averages.addObject().put("metric", average.metric).put("tasks", average.tasks)
                    .put("value", average.value);
            average.baseline.ifPresent(value -> node.put("baseline", value).put("difference", average.value - value)
                    .put("retained", average.value / value));
        }
        return JSON.writeValueAsString(root) + "\n";
    }

    private static ObjectNode json(Measured measured) {
        ObjectNode node = measured.about.deepCopy();
        node.put("max_length", measured.results.maxLength());
        node.put("prefix_token", measured.results.prefixToken());
        ObjectNode tasks = node.putObject("tasks");
        measured.results.tasks().forEach(task -> tasks.set(task.task(), json(task)));
        ObjectNode groups = node.putObject("groups");
        measured.results.groups().forEach(group -> groups.set(group.task(), json(group)));
        ArrayNode perplexities = node.putArray("perplexities");
        measured.perplexities.forEach(perplexity -> perplexities.addObject().put("metric", perplexity.metric())
                .put("value", perplexity.value()).put("windows", perplexity.windowLosses().size()));
        return node;
    }

    private static ObjectNode json(Compared compared) {
        ObjectNode node = compared.about.deepCopy();
        ArrayNode divergences = node.putArray("divergences");
        for (Divergence divergence : compared.divergences) {
            ObjectNode entry = divergences.addObject().put("metric", divergence.metric())
                    .put("tokens", divergence.tokens())
                    .put("mean", divergence.mean()).put("percentile_99", divergence.percentile99())
                    .put("maximum", divergence.maximum()).put("same_top", divergence.sameTop())
                    .put("perplexity", divergence.reference().value())
                    .put("log_perplexity_difference", divergence.logPerplexityDifference());
            divergence.standardError().ifPresent(error -> entry.put("log_perplexity_difference_stderr", error));
        }
        return node;
    }

    private static ObjectNode json(TaskResult task) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("version", task.version()).put("split", task.split()).put("documents", task.documents())
                .put("shots", task.shots());
        if (!task.group().isEmpty()) {
            node.put("group", task.group());
        }
        ArrayNode files = node.putArray("files");
        task.sources().forEach(files::add);
        task.values().forEach((metric, value) -> {
            node.put(metric, value);
            if (task.errors().containsKey(metric)) {
                node.put(metric + "_stderr", task.errors().get(metric));
            }
        });
        return node;
    }

    /** Every document of both models with what it was asked and what came out, a line of JSON each. */
    public String samples() {
        StringBuilder lines = new StringBuilder();
        model.results.samples().forEach(sample -> lines.append(line(ScoredModel.MODEL, sample)));
        baseline.ifPresent(
                other -> other.results.samples().forEach(sample -> lines.append(line(ScoredModel.BASELINE, sample))));
        return lines.toString();
    }

    /**
     * Every long text of both models as CSV, with its words and bytes, its log-likelihood in nats and what it takes in bits;
     * empty if there is none.
     */
    public Optional<String> longTexts() {
        StringBuilder lines = new StringBuilder();
        model.results.samples().forEach(sample -> lines.append(csvLine(ScoredModel.MODEL, sample)));
        baseline.ifPresent(other -> other.results.samples()
                .forEach(sample -> lines.append(csvLine(ScoredModel.BASELINE, sample))));
        return lines.isEmpty()
                ? Optional.empty()
                : Optional.of("model,task,doc_id,words,bytes,log_likelihood,bits\r\n" + lines);
    }

    private static String csvLine(String role, Sample sample) {
        if (!(sample.result().document() instanceof Page page)) {
            return "";
        }
        double likelihood = sample.result().logLikelihood();
        return role + "," + sample.task() + "," + page.id() + "," + page.words() + "," + page.bytes() + ","
                + likelihood + "," + -likelihood / Math.log(2) + "\r\n";
    }

    private static String line(String role, Sample sample) {
        DocumentResult result = sample.result();
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("model", role).put("task", sample.task()).put("doc_id", result.document().id());
        switch (result.document()) {
            case Question question -> {
                add(node.putArray("contexts"), question.contexts());
                add(node.putArray("continuations"), question.continuations());
                ArrayNode examples = node.putArray("examples");
                question.examples().forEach(examples::add);
                likelihoods(node, result);
                node.put("gold", question.gold()).put("pred", result.predicted()).put("pred_norm",
                        result.predictedByCharacters(question));
            }
            case Page page -> {
                node.put("words", page.words()).put("bytes", page.bytes());
                likelihoods(node, result);
            }
        }
        return LINES.writeValueAsString(node) + "\n";
    }

    private static void add(ArrayNode array, List<String> texts) {
        texts.forEach(array::add);
    }

    private static void likelihoods(ObjectNode node, DocumentResult result) {
        ArrayNode values = node.putArray("ll");
        ArrayNode greedy = node.putArray("greedy");
        for (Score score : result.scores()) {
            values.add(score.logLikelihood());
            greedy.add(score.greedy());
        }
    }
}
