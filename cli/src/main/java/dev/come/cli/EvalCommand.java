package dev.come.cli;

import dev.come.UsageException;
import dev.come.evaluate.Perplexity;
import dev.come.job.ComputeChoice;
import dev.come.job.EvalJob;
import dev.come.job.PerplexityOptions;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come eval}: measures a model. */
@Command(name = "eval", description = "Measure the perplexity of a model.")
final class EvalCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @ArgGroup(validate = false)
    private PerplexityData perplexity = new PerplexityData();

    @ArgGroup(validate = false, heading = "%nData:%n", order = 1)
    private DataOptions data = new DataOptions();

    @ArgGroup(validate = false, heading = "%nComputing:%n", order = 2)
    private ComputeOptions computing = new ComputeOptions();

    @Override
    public void run() {
        PerplexityOptions texts = perplexity.options(data, model.hub());
        if (texts.texts().isEmpty()) {
            throw new UsageException("--ppl-data is missing: name the texts to measure perplexity on");
        }
        ComputeChoice choice = computing.choice();
        List<Perplexity> perplexities = EvalJob.run(model.folder(), texts, choice,
                main.progress(spec.commandLine().getErr()));
        Table table = new Table("", "value", "windows");
        for (Perplexity perplexity : perplexities) {
            table.row(perplexity.metric(), String.format(Locale.ROOT, "%.4f", perplexity.value()),
                    "" + perplexity.windowLosses().size());
        }
        spec.commandLine().getOut().println(table);
    }
}
