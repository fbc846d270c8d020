package dev.come.cli;

import dev.come.evaluate.Perplexity;
import dev.come.job.EvalJob;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come eval}: measures a model. */
@Command(name = "eval", description = "Measure the perplexity of a model.")
final class EvalCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--model-name", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model = Path.of("");

    @Option(names = "--ppl-data", required = true, arity = "1..*", paramLabel = "NAME",
            description = "Texts to measure it on: wiki2, c4 or paths.")
    private List<String> perplexityData = List.of();

    @ArgGroup(validate = false, heading = "%nData:%n", order = 1)
    private DataOptions data = new DataOptions();

    @ArgGroup(validate = false, heading = "%nComputing:%n", order = 2)
    private ComputeOptions computing = new ComputeOptions();

    @Override
    public void run() {
        List<Perplexity> perplexities = EvalJob.run(model, perplexityData.stream().map(data::source).toList(),
                data.sequenceLength(), computing.choice(), main.progress(spec.commandLine().getErr()));
        Table table = new Table("", "value", "windows");
        for (Perplexity perplexity : perplexities) {
            table.row(perplexity.metric(), String.format(Locale.ROOT, "%.4f", perplexity.value()),
                    "" + perplexity.windowLosses().size());
        }
        spec.commandLine().getOut().println(table);
    }
}
