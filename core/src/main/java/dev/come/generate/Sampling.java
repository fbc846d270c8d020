package dev.come.generate;

import dev.come.UsageException;
import dev.come.model.NextTokens;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * How the next token is chosen.
 *
 * @param maxNewTokens how many tokens at most
 * @param temperature 0 takes the likeliest token; above, tokens are drawn from softmax(logits / temperature)
 * @param topK draw among so many of the likeliest tokens; 0: among all
 * @param topP draw among the likeliest tokens that together have this probability; 1: among all
 * @param seed decides what is drawn
 */
public record Sampling(int maxNewTokens, double temperature, int topK, double topP, long seed) {
    /** Weights, of which the largest is 1, from which tokens are put in order first; few tokens have more. */
    private static final double LIKELY = 1e-3;
    private static final double LEAST = 1e-9;

    /** @throws UsageException if a number is out of range */
    public Sampling {
        require(maxNewTokens > 0, "--max-new-tokens is " + maxNewTokens + ", but must be at least 1");
        require(temperature >= 0 && temperature < Double.POSITIVE_INFINITY,
                "--temperature is " + temperature + ", but must be a number of 0 or more");
        require(topK >= 0, "--top-k is " + topK + ", but must be 0 (no limit) or more");
        require(topP > 0 && topP <= 1, "--top-p is " + topP + ", but must lie above 0 and not above 1");
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new UsageException(message);
        }
    }

    /** Whether always the likeliest token is taken, so that the seed decides nothing. */
    public boolean takesLikeliest() {
        return temperature == 0;
    }

    /**
     * Chooses a token. The likeliest tokens, of equal ones the first, are gone through until their weights
     * exp((logit - largest) / temperature) exceed a random share of those of all that are drawn among.
     *
     * @param logits finite, one for each token
     */
    public int choose(float[] logits, RandomGenerator random) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        if (takesLikeliest()) {
            return best;
        }
        double[] weights = new double[logits.length];
        double total = 0;
        for (int i = 0; i < logits.length; i++) {
            weights[i] = Math.exp(((double) logits[i] - logits[best]) / temperature);
            total += weights[i];
        }
        double share = random.nextDouble();
        // Putting all tokens in order would take longer than a small model's step, and few of them matter.
        for (double cut = LIKELY;; cut = cut > LEAST ? cut * LIKELY : 0) {
            int chosen = chosen(inOrder(logits, weights, cut), weights, total, share);
            if (chosen != NextTokens.NONE) {
                return chosen;
            }
        }
    }

    /** The tokens with at least so much weight, the likeliest first. */
    private static int[] inOrder(float[] logits, double[] weights, double cut) {
        return Arrays.stream(IntStream.range(0, logits.length).filter(i -> weights[i] >= cut)
                .mapToLong(i -> (long) ~ascending(logits[i]) << Integer.SIZE | i).sorted().toArray())
                .mapToInt(key -> (int) key).toArray();
    }

    /** A number that is the larger the larger a logit is. */
    private static int ascending(float logit) {
        int bits = Float.floatToIntBits(logit);
        return bits ^ (bits >> 31 & Integer.MAX_VALUE);
    }

    /** The token that is drawn; none if it is not among those that were put in order. */
    private int chosen(int[] order, double[] weights, double total, double share) {
        int most = topK == 0 ? weights.length : Math.min(topK, weights.length);
        boolean all = order.length == weights.length;
        int count = most;
        double kept = total;
        if (topK > 0 || topP < 1) {
            if (topK > 0 && order.length < most) {
                return NextTokens.NONE;
            }
            double wanted = topP * (topK == 0 ? total : sum(order, weights, most));
            kept = 0;
            count = 0;
            while (count < most && kept < wanted) {
                if (count == order.length) {
                    return NextTokens.NONE;
                }
                kept += weights[order[count++]];
            }
        }
        double until = 0;
        for (int i = 0; i < Math.min(count, order.length); i++) {
            until += weights[order[i]];
            if (share * kept < until) {
                return order[i];
            }
        }
        return all || count <= order.length ? order[Math.min(count, order.length) - 1] : NextTokens.NONE;
    }

    private static double sum(int[] order, double[] weights, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weights[order[i]];
        }
        return sum;
    }
}
