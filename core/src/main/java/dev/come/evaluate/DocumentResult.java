package dev.come.evaluate;

import dev.come.evaluate.Document.LastWords;
import dev.come.evaluate.Document.Page;
import dev.come.evaluate.Document.Prompt;
import dev.come.evaluate.Document.Question;
import dev.come.evaluate.TaskDescription.Generated;
import dev.come.evaluate.TaskDescription.Metric;
import dev.come.run.Continuation.Score;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What came out of a document.
 *
 * @param scores those of its choices, or of its windows
 * @param text what the model wrote; empty where it was not asked to
 */
record DocumentResult(Document document, List<Score> scores, String text) {
    DocumentResult {
        scores = List.copyOf(scores);
    }

    /** Without a text. */
    DocumentResult(Document document, List<Score> scores) {
        this(document, scores, "");
    }

    /**
     * Whether it is right by a metric that counts right ones.
     *
     * @param metric its name in results
     * @return empty if its document has no such metric
     */
    Optional<Boolean> right(String metric) {
        return switch (document) {
            case Question question -> Arrays.stream(Metric.values())
                    .filter(one -> one.name().toLowerCase(Locale.ROOT).equals(metric)).findFirst()
                    .map(one -> question.gold() == switch (one) {
                        case ACC -> predicted();
                        case ACC_NORM -> predictedByCharacters(question);
                    });
            case LastWords _ -> metric.equals("acc") ? Optional.of(scores.getFirst().greedy()) : Optional.empty();
            case Prompt prompt -> prompt.task().filters().keySet().stream()
                    .filter(filter -> Generated.metric(filter).equals(metric)).findFirst()
                    .map(filter -> prompt.task().match().matches(prompt.task().answer(filter, text),
                            prompt.answers()));
            case Page _ -> Optional.empty();
        };
    }

    /** The likeliest choice. */
    int predicted() {
        return Scoring.argMax(scores.stream().mapToDouble(Score::logLikelihood).toArray());
    }

    /** The choice that is likeliest for each of its characters. */
    int predictedByCharacters(Document.Question question) {
        double[] values = new double[scores.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = scores.get(i).logLikelihood() / PythonText.length(question.choices().get(i));
        }
        return Scoring.argMax(values);
    }

    /** The sum of the log-likelihoods, in nats. */
    double logLikelihood() {
        return scores.stream().mapToDouble(Score::logLikelihood).sum();
    }
}
