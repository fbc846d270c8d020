package dev.come.evaluate;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.evaluate.Document.Page;
import dev.come.evaluate.Document.Prompt;
import dev.come.evaluate.TaskDescription.Choices;
import dev.come.evaluate.TaskDescription.Contexts;
import dev.come.evaluate.TaskDescription.Ending;
import dev.come.evaluate.TaskDescription.Examples;
import dev.come.evaluate.TaskDescription.Generated;
import dev.come.evaluate.TaskDescription.Group;
import dev.come.evaluate.TaskDescription.LongText;
import dev.come.evaluate.TaskDescription.Metric;
import dev.come.run.Continuation.Score;
import dev.come.run.ContinuationScores.Batch;
import dev.come.run.Scorer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.DoubleConsumer;
import java.util.stream.Stream;

/**
 * Tasks that are measured as lm-evaluation-harness measures them: multiple choice by log-likelihoods, and the perplexity of long
 * texts.
 */
public final class Evaluation {
    private final EvaluationOptions options;
    private final List<List<TaskData>> tasks;

    private Evaluation(EvaluationOptions options, List<List<TaskData>> tasks) {
        this.options = options;
        this.tasks = tasks;
    }

    /**
     * Reads the data of all tasks.
     *
     * @throws UsageException if a task is not known
     * @throws InvalidInputException if data are missing or damaged
     */
    public static Evaluation of(EvaluationOptions options, Progress progress) {
        List<List<TaskData>> tasks = new ArrayList<>();
        for (String name : options.tasks()) {
            List<TaskDescription> found = TaskCatalog.find(name, options.library(), options.harness());
            List<TaskData> data = found.stream().map(task -> TaskData.read(task, shots(task, options), options.limit()))
                    .toList();
            data.stream().flatMap(task -> task.notes().stream()).forEach(progress::note);
            groupDifference(data).ifPresent(progress::note);
            tasks.add(data);
        }
        List<String> names = tasks.stream().flatMap(List::stream).map(data -> data.task().name()).toList();
        if (names.stream().distinct().count() < names.size()) {
            throw new UsageException("--tasks asks twice for one task: " + String.join(", ", names));
        }
        return new Evaluation(options, tasks);
    }

    /** Long texts have no examples. */
    private static int shots(TaskDescription task, EvaluationOptions options) {
        if (task.form() instanceof LongText) {
            return 0;
        }
        return options.shots() == EvaluationOptions.USUAL
                ? task.examples().map(Examples::usual).orElse(0)
                : options.shots();
    }

    /** The names of the tasks for which a model writes texts. */
    public Stream<String> written() {
        return tasks.stream().flatMap(List::stream).map(TaskData::task)
                .filter(task -> task.form() instanceof Generated).map(TaskDescription::name);
    }

    private static Optional<String> groupDifference(List<TaskData> data) {
        Optional<Group> group = data.getFirst().task().group();
        int available = data.stream().mapToInt(TaskData::available).sum();
        return group.filter(of -> of.published().isPresent() && of.published().getAsInt() != available)
                .map(of -> TaskData.difference(of.name(), available, of.published().getAsInt(), data.size()
                        + " files"));
    }

    /** The rules by which it measures. */
    public EvaluationOptions options() {
        return options;
    }

    /** All documents. */
    List<Document> documents() {
        return tasks.stream().flatMap(List::stream).flatMap(data -> data.documents().stream()).toList();
    }

    /** The SHA-256 of everything that the tasks ask, so that scores of other data or other tasks are not taken for these. */
    public String fingerprint() {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        for (TaskData data : tasks.stream().flatMap(List::stream).toList()) {
            data.documents().forEach(document -> digest.update(
                    (data.task().name() + "\n" + document + "\n").getBytes(StandardCharsets.UTF_8)));
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The results of a model. */
    public record Results(List<TaskResult> tasks, List<TaskResult> groups, int maxLength, int prefixToken,
            List<Sample> samples) {
        public Results {
            tasks = List.copyOf(tasks);
            groups = List.copyOf(groups);
            samples = List.copyOf(samples);
        }

        /** What counts in an average: groups, but not their parts, and tasks of no group, that have an accuracy. */
        List<TaskResult> averaged() {
            return Stream.concat(tasks.stream(), groups.stream()).filter(task -> task.group().isEmpty())
                    .filter(task -> !Double.isNaN(task.accuracy())).toList();
        }
    }

    /** A document and what came out of it. */
    record Sample(String task, DocumentResult result) {}

    /**
     * Measures a model.
     *
     * @param journal knows what is done already, and gets what is not as it comes
     * @param left is told about how many steps of progress are still to come, at the beginning of each task
     */
    public Results measure(ScoredModel model, Journal journal, Progress progress, DoubleConsumer left) {
        int longest = Math.min(options.maxLength(), model.store().config().maxPositions());
        if (tasks.isEmpty()) {
            return new Results(List.of(), List.of(), longest, -1, List.of());
        }
        PairEncoding encoding = new PairEncoding(model.tokenizer(), model.special(), options.harness(),
                options.bosRule(), longest);
        List<TaskResult> results = new ArrayList<>();
        List<TaskResult> groups = new ArrayList<>();
        List<Sample> samples = new ArrayList<>();
        try (Scorer scores = model.scorer()) {
            for (int i = 0; i < tasks.size(); i++) {
                TaskUnits units = TaskUnits.of(options.tasks().get(i), tasks.get(i), encoding, model.role());
                WrittenUnits texts = WrittenUnits.of(options.tasks().get(i), tasks.get(i), encoding, model);
                List<Batch> missing = units.missing(journal);
                List<List<Integer>> unwritten = texts.missing(model, journal);
                double runs = scores.runs(missing) + WrittenUnits.runs(unwritten);
                left.accept(runs + runs / length(tasks.get(i))
                        * tasks.stream().skip(i + 1).mapToDouble(Evaluation::length).sum());
                if (units.units().isEmpty()) {
                    texts.write(unwritten, model, journal, progress);
                } else {
                    units.score(missing, scores, journal, progress);
                }
                Map<Journal.Key, List<Score>> known = units.known(journal);
                List<TaskResult> ofGroup = new ArrayList<>();
                for (TaskData data : tasks.get(i)) {
                    List<DocumentResult> documents = documents(data, known, model.role(), journal);
                    documents.forEach(document -> samples.add(new Sample(data.task().name(), document)));
                    ofGroup.add(result(data, documents));
                }
                results.addAll(ofGroup);
                tasks.get(i).getFirst().task().group()
                        .ifPresent(group -> groups.addAll(groupResults(group.name(), ofGroup)));
            }
        }
        return new Results(results, groups, longest, encoding.prefix(), samples);
    }

    /** Characters, by which tasks are compared that no tokens were made of yet. */
    private static double length(List<TaskData> group) {
        return 1 + group.stream().flatMap(data -> data.documents().stream()).mapToDouble(Document::length).sum();
    }

    private static List<DocumentResult> documents(TaskData data, Map<Journal.Key, List<Score>> known, String role,
            Journal journal) {
        List<DocumentResult> results = new ArrayList<>();
        for (Document document : data.documents()) {
            if (document instanceof Prompt) {
                results.add(new DocumentResult(document, List.of(),
                        WrittenUnits.text(journal, role, data.task().name(), document.id())));
                continue;
            }
            List<Score> scores = new ArrayList<>();
            List<Score> part = known.get(new Journal.Key(role, data.task().name(), document.id(), 0));
            for (int i = 1; part != null; i++) {
                scores.addAll(part);
                part = known.get(new Journal.Key(role, data.task().name(), document.id(), i));
            }
            results.add(new DocumentResult(document, scores));
        }
        return results;
    }

    private TaskResult result(TaskData data, List<DocumentResult> documents) {
        TaskDescription task = data.task();
        SequencedMap<String, Double> values = new LinkedHashMap<>();
        Map<String, Double> errors = new HashMap<>();
        switch (task.form()) {
            case Choices form -> accuracies(names(form.metrics()), documents, values, errors);
            case Contexts form -> accuracies(names(form.metrics()), documents, values, errors);
            case Ending _ -> {
                values.put("perplexity", Math.exp(
                        -Scoring.mean(documents.stream().map(DocumentResult::logLikelihood).toList())));
                accuracies(List.of("acc"), documents, values, errors);
            }
            case Generated form -> accuracies(form.filters().keySet().stream().map(Generated::metric).toList(),
                    documents, values, errors);
            case LongText _ -> perplexities(documents, values);
        }
        return new TaskResult(task.name(), task.version(), task.documents().split(), shots(task, options),
                documents.size(), data.sources(), task.group().map(Group::innermost).orElse(""), values, errors);
    }

    private static List<String> names(List<Metric> metrics) {
        return metrics.stream().map(metric -> metric.name().toLowerCase(Locale.ROOT)).toList();
    }

    private static void accuracies(List<String> metrics, List<DocumentResult> documents, Map<String, Double> values,
            Map<String, Double> errors) {
        for (String metric : metrics) {
            List<Double> right = documents.stream().map(document -> document.right(metric).orElseThrow() ? 1.0 : 0.0)
                    .toList();
            values.put(metric, Scoring.mean(right));
            Scoring.standardError(right).ifPresent(error -> errors.put(metric, error));
        }
    }

    private static void perplexities(List<DocumentResult> documents, Map<String, Double> values) {
        double sum = documents.stream().mapToDouble(DocumentResult::logLikelihood).sum();
        long words = documents.stream().mapToLong(document -> ((Page) document.document()).words()).sum();
        long bytes = documents.stream().mapToLong(document -> ((Page) document.document()).bytes()).sum();
        if (words > 0) { // texts may be blanks alone
            values.put("word_perplexity", Math.exp(-sum / words));
        }
        if (bytes > 0) {
            values.put("byte_perplexity", Math.exp(-sum / bytes));
            values.put("bits_per_byte", -sum / bytes / Math.log(2));
        }
    }

    /** A group, then its parts. */
    static List<TaskResult> groupResults(String name, List<TaskResult> members) {
        List<TaskResult> results = new ArrayList<>(List.of(groupResult(name, "", members)));
        members.stream().map(TaskResult::group).filter(part -> !part.equals(name)).distinct()
                .forEach(part -> results.add(groupResult(part, name,
                        members.stream().filter(member -> member.group().equals(part)).toList())));
        return results;
    }

    /** Every document counts the same, whatever its task. */
    private static TaskResult groupResult(String name, String in, List<TaskResult> members) {
        TaskResult first = members.getFirst();
        SequencedMap<String, Double> values = new LinkedHashMap<>();
        Map<String, Double> errors = new HashMap<>();
        List<Integer> sizes = members.stream().map(TaskResult::documents).toList();
        for (String metric : first.values().keySet()) {
            values.put(metric,
                    Scoring.weightedMean(members.stream().map(member -> member.values().get(metric)).toList(),
                            sizes));
            if (members.stream().allMatch(member -> member.errors().containsKey(metric))) {
                errors.put(metric, Scoring.pooledStandardError(
                        members.stream().map(member -> member.errors().get(metric)).toList(), sizes));
            }
        }
        return new TaskResult(name, first.version(), first.split(), first.shots(),
                sizes.stream().mapToInt(Integer::intValue).sum(), List.of(), in, values, errors);
    }
}
