package dev.come.job;

import dev.come.Progress;
import dev.come.evaluate.Perplexity;
import dev.come.model.Compute;
import dev.come.stack.LayerStack;
import dev.come.text.PerplexityText;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code come eval}: measures a model. */
public final class EvalJob {
    private EvalJob() {
    }

    /** Measures perplexity: one for each text. */
    public static List<Perplexity> run(Path folder, PerplexityOptions options, ComputeChoice choice,
            Progress progress) {
        try (OpenModel model = new OpenModel(folder)) {
            Compute compute = model.compute(choice);
            List<LayerStack> dense = List.of(LayerStack.dense(model.config().layers()));
            List<Perplexity> perplexities = new ArrayList<>();
            for (PerplexityText text : options.read(model, progress)) {
                perplexities.addAll(
                        Perplexity.measure(model.store(), dense, text, compute, choice.memory(), progress));
            }
            return perplexities;
        }
    }
}
