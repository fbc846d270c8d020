package dev.come.evaluate;

import dev.come.evaluate.Document.LastWords;
import dev.come.evaluate.Document.Page;
import dev.come.evaluate.Document.Prompt;
import dev.come.evaluate.Document.Question;
import dev.come.evaluate.Evaluation.Sample;
import dev.come.evaluate.TaskDescription.Generated;
import dev.come.run.Continuation.Score;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The single documents of a report, of the model and then of its baseline, as the text of files.
 *
 * @param report what was measured
 */
public record SampleFiles(EvaluationReport report) {
    private static final JsonMapper LINES = new JsonMapper();

    /** Every document with what it was asked and what came out, a line of JSON each. */
    public String samples() {
        StringBuilder lines = new StringBuilder();
        report.model().results().samples().forEach(sample -> lines.append(line(ScoredModel.MODEL, sample)));
        report.baseline().ifPresent(
                other -> other.results().samples().forEach(sample -> lines.append(line(ScoredModel.BASELINE, sample))));
        return lines.toString();
    }

    /**
     * Every long text as CSV; empty if there is none. Each has its words and bytes, its log-likelihood
     * in nats and the bits that it takes.
     */
    public Optional<String> longTexts() {
        StringBuilder lines = new StringBuilder();
        report.model().results().samples().forEach(sample -> lines.append(csvLine(ScoredModel.MODEL, sample)));
        report.baseline().ifPresent(other -> other.results().samples()
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
            case LastWords words -> {
                node.put("context", words.context()).put("continuation", words.ending());
                words.examples().forEach(node.putArray("examples")::add);
                likelihoods(node, result);
            }
            case Prompt prompt -> written(node, prompt, result);
            case Page page -> {
                node.put("words", page.words()).put("bytes", page.bytes());
                likelihoods(node, result);
            }
        }
        return LINES.writeValueAsString(node) + "\n";
    }

    private static void written(ObjectNode node, Prompt prompt, DocumentResult result) {
        node.put("context", prompt.text());
        prompt.examples().forEach(node.putArray("examples")::add);
        add(node.putArray("answers"), prompt.answers());
        node.put("text", result.text());
        ObjectNode filtered = node.putObject("filtered");
        prompt.task().filters().keySet()
                .forEach(filter -> filtered.put(filter, prompt.task().answer(filter, result.text())));
        for (String filter : prompt.task().filters().keySet()) {
            String metric = Generated.metric(filter);
            node.put(metric, result.right(metric).orElseThrow() ? 1 : 0);
        }
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
