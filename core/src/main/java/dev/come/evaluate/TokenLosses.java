package dev.come.evaluate;

import dev.come.Progress;
import dev.come.model.NextTokenDivergence;
import dev.come.run.LossesElsewhere;
import dev.come.run.ModelPair;
import dev.come.run.ModelRecipe;
import dev.come.run.StackLosses;
import dev.come.stack.LayerStack;
import dev.come.text.PerplexityText;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What every scored token of a text costs a model, alone or beside another one. Perplexity, divergence and the file of single
 * losses all come from these numbers.
 *
 * @param losses for each window the cross-entropy of its scored tokens, in nats
 * @param beside the same of another model, and how far apart the two are
 */
@SuppressWarnings("ArrayRecordComponent") // millions of numbers, never compared
public record TokenLosses(PerplexityText text, double[][] losses, Optional<Beside> beside) {
    /**
     * The model that is compared with, on the same tokens.
     *
     * @param losses for each window the cross-entropy of its scored tokens, in nats
     * @param divergences for each window how far the model is from it at each of these tokens
     */
    public record Beside(double[][] losses, NextTokenDivergence[] divergences) {}

    /** Measures a model, beside another with the same vocabulary if there is one. */
    public static TokenLosses measure(ScoredModel model, Optional<ScoredModel> reference, PerplexityText text,
            Progress progress) {
        return reference.map(other -> beside(model, other, text, progress))
                .orElseGet(() -> alone(model, text, progress));
    }

    private static TokenLosses alone(ScoredModel model, PerplexityText text, Progress progress) {
        double[][] losses = new double[text.windows().count()][];
        List<LayerStack> dense = List.of(LayerStack.dense(model.store().config().layers()));
        StackLosses.Sink sink = (_, window, tokens) -> losses[window] = tokens;
        try (StackLosses run = new StackLosses(model.store(), dense, text.windows(), model.compute(), model.memory());
                Progress.Task task = progress.begin("perplexity on " + text.facts().dataset(), run.runs(), "windows",
                        text.windows().count())) {
            if (model.machines().isPresent()) {
                LossesElsewhere.measure(model.machines().get(), dense, text.windows(), text::firstScored, sink, task);
            } else {
                run.measure(text::firstScored, sink, task);
            }
        }
        return new TokenLosses(text, losses, Optional.empty());
    }

    private static TokenLosses beside(ScoredModel model, ScoredModel reference, PerplexityText text,
            Progress progress) {
        int windows = text.windows().count();
        double[][] losses = new double[windows][];
        Beside beside = new Beside(new double[windows][], new NextTokenDivergence[windows]);
        try (ModelPair pair = new ModelPair(model.store(), model.compute(), reference.store(), reference.compute(),
                text.windows(), model.memory());
                Progress.Task task = progress.begin("perplexity and divergence on " + text.facts().dataset(),
                        pair.runs(), "windows", windows)) {
            ModelPair.Sink sink = (window, own, others, divergence) -> {
                losses[window] = own;
                beside.losses[window] = others;
                beside.divergences[window] = divergence;
            };
            if (model.machines().isPresent()) {
                LossesElsewhere.measure(model.machines().get(),
                        ModelRecipe.of(reference.store().checkpoint(), reference.compute()), text.windows(),
                        text::firstScored, sink, task);
            } else {
                pair.measure(text::firstScored, sink, task);
            }
        }
        return new TokenLosses(text, losses, Optional.of(beside));
    }

    /** The perplexity of the model. */
    public Perplexity perplexity() {
        return perplexity(text, losses);
    }

    static Perplexity perplexity(PerplexityText text, double[][] losses) {
        return Perplexity.of(text,
                Arrays.stream(losses).mapToDouble(window -> Arrays.stream(window).average().orElseThrow()).toArray());
    }

    /** How far the model is from the one it is compared with. */
    public Optional<Divergence> divergence() {
        return beside.map(other -> Divergence.of(this, other));
    }

    /** Writes the line above {@link #writeRows}. */
    public static void writeHeader(boolean compared, Appendable out) throws IOException {
        out.append("corpus,window,position,token,loss").append(compared ? ",compared_loss,kl,same_top" : "")
                .append("\r\n");
    }

    /**
     * Writes a row (RFC 4180) for each scored token. It has corpus, window and place in it, both counted from 0, the
     * token's id, and its loss in nats. If there is another model, its loss follows, the divergence, and 1 where the
     * likeliest token is the same, else 0. Numbers are read back as they are.
     */
    public void writeRows(Appendable out) throws IOException {
        String corpus = quoted(text.facts().dataset());
        for (int window = 0; window < losses.length; window++) {
            int first = text.firstScored(window);
            int[] ids = text.windows().sequence(window);
            for (int i = 0; i < losses[window].length; i++) {
                out.append(corpus).append(',').append(Integer.toString(window)).append(',')
                        .append(Integer.toString(first + i)).append(',').append(Integer.toString(ids[first + i]))
                        .append(',').append(Double.toString(losses[window][i]));
                if (beside.isPresent()) {
                    NextTokenDivergence divergence = beside.get().divergences[window];
                    out.append(',').append(Double.toString(beside.get().losses[window][i])).append(',')
                            .append(Double.toString(divergence.nats()[i])).append(',')
                            .append(divergence.sameTop()[i] ? '1' : '0');
                }
                out.append("\r\n");
            }
        }
    }

    private static String quoted(String cell) {
        return cell.matches("[^,\"\r\n]*") ? cell : '"' + cell.replace("\"", "\"\"") + '"';
    }
}
