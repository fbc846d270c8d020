package dev.come.evaluate;

import dev.come.evaluate.TokenLosses.Beside;
import dev.come.model.NextTokenDivergence;
import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * The distance of a model from another one, the reference, on the same windows of a text. It is KL(reference || model)
 * of the probabilities that predict each scored token.
 *
 * @param metric the full name of the divergence: data, unit, windows and BOS rule; only equal names compare
 * @param tokens how many tokens are scored
 * @param mean the mean over the tokens, in nats
 * @param percentile99 the least of the tokens' values that 99 % of them do not exceed
 * @param maximum the largest of them
 * @param sameTop the share of the tokens whose likeliest next token is the same
 * @param logPerplexityDifference the mean over the tokens of the model's loss less the reference's, in nats
 * @param standardError of that mean, as if tokens were independent of each other; none of a single token
 * @param reference the perplexity of the reference
 */
public record Divergence(String metric, long tokens, double mean, double percentile99, double maximum, double sameTop,
        double logPerplexityDifference, OptionalDouble standardError, Perplexity reference) {
    static Divergence of(TokenLosses losses, Beside beside) {
        double[] nats = Arrays.stream(beside.divergences()).map(NextTokenDivergence::nats)
                .flatMapToDouble(Arrays::stream).toArray();
        double[] sorted = nats.clone();
        Arrays.sort(sorted);
        long same = Arrays.stream(beside.divergences()).map(NextTokenDivergence::sameTop)
                .mapToLong(window -> IntStream.range(0, window.length).filter(i -> window[i]).count()).sum();
        double[] differences = IntStream.range(0, losses.losses().length).boxed()
                .flatMapToDouble(window -> differences(losses.losses()[window], beside.losses()[window])).toArray();
        OptionalDouble error = Scoring.standardError(Arrays.stream(differences).boxed().toList());
        return new Divergence(losses.text().metric("KL divergence"), nats.length,
                Arrays.stream(nats).sum() / nats.length,
                sorted[Math.toIntExact(Math.ceilDiv(99L * sorted.length, 100)) - 1],
                sorted[sorted.length - 1], (double) same / nats.length,
                Arrays.stream(differences).sum() / nats.length, error,
                TokenLosses.perplexity(losses.text(), beside.losses()));
    }

    private static DoubleStream differences(double[] losses, double[] others) {
        return IntStream.range(0, losses.length).mapToDouble(i -> losses[i] - others[i]);
    }
}
