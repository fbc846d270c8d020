package dev.come.job;

import dev.come.Progress;
import dev.come.evaluate.Perplexity;
import dev.come.model.Compute;
import dev.come.stack.LayerStack;
import dev.come.text.PerplexityText;
import dev.come.text.TextSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code come eval}: measures a model. */
public final class EvalJob {
    private EvalJob() {
    }

    /**
     * Measures perplexity.
     *
     * @param texts what to measure it on
     * @param sequenceLength tokens in a window
     * @return one perplexity for each text
     */
    public static List<Perplexity> run(Path folder, List<TextSource> texts, int sequenceLength, ComputeChoice choice,
            Progress progress) {
        try (OpenModel model = new OpenModel(folder)) {
            Compute compute = model.compute(choice);
            List<Perplexity> perplexities = new ArrayList<>();
            for (TextSource source : texts) {
                PerplexityText text = PerplexityText.read(source, sequenceLength, model.tokenizer());
                model.tokenizer().requireBelow(model.config().vocabularySize(), text.windows());
                text.facts().notes().forEach(progress::note);
                perplexities.addAll(Perplexity.measure(model.store(),
                        List.of(LayerStack.dense(model.config().layers())), text, compute, choice.memory(), progress));
            }
            return perplexities;
        }
    }
}
