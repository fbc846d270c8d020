package dev.come.evaluate;

import dev.come.Version;
import dev.come.checkpoint.RecordJson;
import dev.come.evaluate.Evaluation.Results;
import dev.come.run.ContinuationScores;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What was measured on a model, and on one that it is compared with. As a file it holds no times and no paths: the same
 * measurement gives the same bytes. By the rules of {@link RecordJson}:
 *
 * <pre>
 * field                              | type     | meaning, unit                                       | absent
 * -----------------------------------|----------|-----------------------------------------------------|-----------------
 * format                             | string   | "come-eval"                                         |
 * format_version                     | integer  | 2; version 1 was the format "come-eval-1"           |
 * settings.tool                      | string   | name and version of the program                     |
 * settings.harness_version           | string   | the release of lm-evaluation-harness that is met    |
 * settings.bos                       | string   | tokenizer, always or never                          |
 * settings.num_fewshot               | integer  | examples in front of a question; null: as each task has them |
 * settings.fewshot_seed              | integer  | decides which examples                              |
 * settings.batch_tokens              | integer  | tokens in a chunk                                   |
 * settings.limit                     | integer  | documents of each task; null: all                   |
 * settings.max_length                | integer  | tokens of a text at most; null: the model's         |
 * settings.tokenizer_compat          | string   | transformers5: whose ids texts became               | those of tokenizer.json
 * settings.tasks_fingerprint         | string   | SHA-256 over the task files                         |
 * model.name                         | string   | its folder, or its name on the hub                  |
 * model.fingerprint                  | string   | SHA-256 over its configuration and weights          |
 * model.layers                       | integer  | decoder layers                                      |
 * model.parameters                   | integer  | numbers in its weights                              |
 * model.dtype                        | string   | float32 or bfloat16, what was computed in           |
 * model.max_length                   | integer  | tokens of a text at most                            |
 * model.prefix_token                 | integer  | stands for an empty context; null: not needed       |
 * model.tasks.TASK.version           | string   | version of the task                                 | with TASK: not asked for
 * model.tasks.TASK.split             | string   | train, validation or test                           |
 * model.tasks.TASK.documents         | integer  | how many there are                                  |
 * model.tasks.TASK.shots             | integer  | examples in front of each                           |
 * model.tasks.TASK.group             | string   | the group that it belongs to                        | none
 * model.tasks.TASK.files             | string[] | where they lie, below the data folder               |
 * model.tasks.TASK.METRIC            | number   | acc, "exact_match,strict-match", word_perplexity ... | the task has no such metric
 * model.tasks.TASK.METRIC_stderr     | number   | its standard error; what follows a comma stays last  | it has none
 * model.tasks.TASK.METRIC_difference | number   | less that of the baseline, on the same documents    | no --baseline, not an accuracy
 * model.tasks.TASK.METRIC_difference_stderr | number | its standard error, by the differences of documents | as above; one document
 * model.groups.GROUP.*               | any      | as a task: the mean over its tasks                  | no group
 * model.perplexities[].metric        | string   | what was measured, in words                         |
 * model.perplexities[].value         | number   | what it is                                          |
 * model.perplexities[].windows       | integer  | windows that it is the mean of                      |
 * model.perplexities[].log_stderr    | number   | standard error of its logarithm, from the windows   | one window
 * compared.*                         | any      | name to dtype as of model                           | with compared: no --compare
 * compared.divergences[].metric      | string   | what was measured, in words                         |
 * compared.divergences[].tokens      | integer  | tokens                                              |
 * compared.divergences[].mean        | number   | KL divergence, nats for each token                  |
 * compared.divergences[].percentile_99 | number | of the single tokens, nats                          |
 * compared.divergences[].maximum     | number   | of the single tokens, nats                          |
 * compared.divergences[].same_top    | number   | share of tokens where both expect the same          |
 * compared.divergences[].perplexity  | number   | of the other model                                  |
 * compared.divergences[].log_perplexity_difference | number | nats; less than 0: the model is better  |
 * compared.divergences[].log_perplexity_difference_stderr | number | its standard error              | one window
 * baseline.*                         | any      | as model                                            | no --baseline
 * averages[].metric                  | string   | what it is the mean of, in words                    |
 * averages[].tasks                   | integer  | how many tasks; a group counts as one               |
 * averages[].value                   | number   | the mean of their accuracies                        |
 * averages[].baseline                | number   | that of the other model                             | no --baseline, as difference
 * averages[].difference              | number   | value - baseline                                    |
 * averages[].difference_stderr       | number   | its standard error, from those of the tasks         | no --baseline; one document
 * averages[].retained                | number   | value / baseline                                    | no --baseline, or it is 0
 * </pre>
 *
 * @param settings what the numbers depend on besides the models
 * @param model the model
 * @param compared the model that it was run beside, token by token
 * @param baseline the model that was measured after it
 */
public record EvaluationReport(ObjectNode settings, Measured model, Optional<Compared> compared,
        Optional<Measured> baseline) {
    /** The setting that says whose ids texts became; absent if they are those of tokenizer.json. */
    public static final String TOKENIZER_COMPAT = "tokenizer_compat";

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
     * @param differenceError the standard error of the difference between both
     */
    public record Average(String metric, int tasks, double value, OptionalDouble baseline,
            OptionalDouble differenceError) {
        /** The share of the other model's average that is left; none without that model, or if its average is 0. */
        public OptionalDouble retained() {
            return baseline.isPresent() && baseline.getAsDouble() != 0
                    ? OptionalDouble.of(value / baseline.getAsDouble())
                    : OptionalDouble.empty();
        }
    }

    /** What the numbers of these tasks depend on besides the model. */
    public static ObjectNode settings(EvaluationOptions options) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("tool", Version.NAME);
        settings.put("harness_version", options.harness().toString());
        settings.put("bos", options.bosRule().toString());
        if (options.shots() == EvaluationOptions.USUAL) {
            settings.putNull("num_fewshot");
        } else {
            settings.put("num_fewshot", options.shots());
        }
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
        Average plain = average("acc", false);
        boolean same = model.results.averaged().stream().noneMatch(task -> task.values().containsKey("acc_norm"));
        return same
                ? List.of(plain)
                : List.of(plain, average("acc_norm, or acc where there is none", true));
    }

    private Optional<PairedDifferences> differences() {
        return baseline.map(other -> new PairedDifferences(model.results, other.results));
    }

    private Average average(String metric, boolean normalised) {
        ToDoubleFunction<TaskResult> value = normalised ? TaskResult::normalisedAccuracy : TaskResult::accuracy;
        return new Average(metric, model.results.averaged().size(), mean(model.results, value),
                baseline.map(other -> OptionalDouble.of(mean(other.results, value))).orElse(OptionalDouble.empty()),
                differences().map(all -> all.errorOfMean(normalised)).orElse(OptionalDouble.empty()));
    }

    private static double mean(Results results, ToDoubleFunction<TaskResult> value) {
        return results.averaged().stream().mapToDouble(value).average().orElseThrow();
    }

    /** The report as the text of its file. */
    public String toJson() {
        ObjectNode root = RecordJson.file("come-eval", 2);
        root.set("settings", settings);
        root.set(ScoredModel.MODEL, json(model, differences()));
        compared.ifPresent(other -> root.set("compared", json(other)));
        baseline.ifPresent(other -> root.set(ScoredModel.BASELINE, json(other, Optional.empty())));
        ArrayNode averages = root.putArray("averages");
        for (Average average : averages()) {
            ObjectNode node = averages.addObject().put("metric", average.metric).put("tasks", average.tasks)
                    .put("value", average.value);
            average.baseline
                    .ifPresent(value -> node.put("baseline", value).put("difference", average.value - value));
            average.differenceError.ifPresent(error -> node.put("difference_stderr", error));
            average.retained().ifPresent(share -> node.put("retained", share));
        }
        return RecordJson.text(root);
    }

    private static ObjectNode json(Measured measured, Optional<PairedDifferences> differences) {
        ObjectNode node = measured.about.deepCopy();
        node.put("max_length", measured.results.maxLength());
        if (measured.results.tasks().isEmpty()) {
            node.putNull("prefix_token");
        } else {
            node.put("prefix_token", measured.results.prefixToken());
        }
        ObjectNode tasks = node.putObject("tasks");
        measured.results.tasks().forEach(task -> tasks.set(task.task(), json(task, differences)));
        ObjectNode groups = node.putObject("groups");
        measured.results.groups().forEach(group -> groups.set(group.task(), json(group, differences)));
        ArrayNode perplexities = node.putArray("perplexities");
        measured.perplexities.forEach(perplexity -> perplexities.addObject().put("metric", perplexity.metric())
                .put("value", perplexity.value())
                .put("windows", perplexity.windowLosses().size())
                .setAll(logError(perplexity)));
        return node;
    }

    private static ObjectNode logError(Perplexity perplexity) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        perplexity.logError().ifPresent(error -> node.put("log_stderr", error));
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

    private static ObjectNode json(TaskResult task, Optional<PairedDifferences> differences) {
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
                node.put(TaskResult.named(metric, "_stderr"), task.errors().get(metric));
            }
            differences.ifPresent(all -> all.addTo(node, task, metric));
        });
        return node;
    }
}
