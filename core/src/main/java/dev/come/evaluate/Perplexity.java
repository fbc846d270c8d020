package dev.come.evaluate;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.model.Compute;
import dev.come.run.LossesElsewhere;
import dev.come.run.OtherMachines;
import dev.come.run.StackLosses;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.PerplexityText;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * Perplexity as SLEB and CoMe measure it. Windows lie side by side, and the value is exp of the mean over windows of
 * the mean cross-entropy of all tokens but the first. Where windows slide, each has the mean of the tokens that none
 * before has scored, and every token counts the same.
 *
 * @param metric the full name of the number: data, unit, sequence length and BOS rule; only equal names compare
 * @param value the perplexity
 * @param windowLosses the mean cross-entropy of each window, in nats
 */
public record Perplexity(String metric, double value, List<Double> windowLosses) {
    public Perplexity {
        windowLosses = List.copyOf(windowLosses);
    }

    /**
     * Measures several stacks on the same text; what they have in common is computed once.
     *
     * @param memory bytes of hidden states that are held at most
     * @param machines others that have the model too, if there are any
     * @return one perplexity for each stack
     */
    public static List<Perplexity> measure(LayerStore store, List<LayerStack> stacks, PerplexityText text,
            Compute compute, long memory, Optional<OtherMachines> machines, Progress progress) {
        try (StackLosses losses = new StackLosses(store, stacks, text.windows(), compute, memory);
                Progress.Task task = progress.begin("perplexity on " + text.facts().dataset(), losses.runs(),
                        "windows", text.windows().count())) {
            double[][] means = new double[stacks.size()][text.windows().count()];
            StackLosses.Sink sink = (stack, window, tokens) -> means[stack][window] = Arrays.stream(tokens).average()
                    .orElseThrow();
            if (machines.isPresent()) {
                LossesElsewhere.measure(machines.get(), stacks, text.windows(), text::firstScored, sink, task);
            } else {
                losses.measure(text::firstScored, sink, task);
            }
            return Arrays.stream(means).map(windows -> of(text, windows)).toList();
        }
    }

    /**
     * About how many steps of progress it takes to measure texts, in runs of a layer over a chunk.
     *
     * @param layers of all stacks together
     */
    public static double runs(List<PerplexityText> texts, double layers) {
        return layers * texts.stream().mapToInt(text -> TokenChunks.of(text.windows()).size()).sum();
    }

    /** Standard error of the logarithm of the value, from how the windows differ; none for a single window. */
    public OptionalDouble logError() {
        return Scoring.standardError(windowLosses);
    }

    /**
     * From the means of the windows.
     *
     * @param windowLosses the mean cross-entropy of each window, in nats
     * @throws FailedException if the perplexity is no number
     */
    static Perplexity of(PerplexityText text, double[] windowLosses) {
        // By their tokens in units of the first window, so that equal windows have weights of exactly 1.
        double[] weights = IntStream.range(0, windowLosses.length)
                .mapToDouble(window -> (double) text.scored(window) / text.scored(0)).toArray();
        double mean = IntStream.range(0, windowLosses.length).mapToDouble(i -> windowLosses[i] * weights[i]).sum()
                / Arrays.stream(weights).sum();
        double value = Math.exp(mean);
        if (!Double.isFinite(value)) {
            throw new FailedException("The " + text.metric() + " is e to the power of " + mean
                    + ", which is no number; the model gives the text no chance, so its weights may be damaged");
        }
        return new Perplexity(text.metric(), value, Arrays.stream(windowLosses).boxed().toList());
    }
}
