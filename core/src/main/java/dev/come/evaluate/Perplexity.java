package dev.come.evaluate;

import dev.come.Progress;
import dev.come.calibration.StackLosses;
import dev.come.model.Compute;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.PerplexityText;
import java.util.Arrays;
import java.util.List;

/**
 * Perplexity as SLEB and CoMe measure it: windows side by side, in each the mean cross-entropy of all tokens but the first,
 * exp of the mean over windows.
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
     * @return one perplexity for each stack
     */
    public static List<Perplexity> measure(LayerStore store, List<LayerStack> stacks, PerplexityText text,
            Compute compute, long memory, Progress progress) {
        try (StackLosses losses = new StackLosses(store, stacks, text.windows(), compute, memory);
                Progress.Task task = progress.begin("perplexity on " + text.facts().dataset(), losses.runs(),
                        "windows")) {
            return losses.measure(task).stream().map(windows -> of(text.metric(), windows)).toList();
        }
    }

    private static Perplexity of(String metric, double[] windowLosses) {
        double mean = Arrays.stream(windowLosses).average().orElseThrow();
        return new Perplexity(metric, Math.exp(mean), Arrays.stream(windowLosses).boxed().toList());
    }
}
