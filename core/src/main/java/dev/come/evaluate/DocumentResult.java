package dev.come.evaluate;

import dev.come.run.Continuation.Score;
import java.util.List;

/**
 * What came out of a document.
 *
 * @param scores those of its choices, or of its windows
 */
record DocumentResult(Document document, List<Score> scores) {
    DocumentResult {
        scores = List.copyOf(scores);
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
