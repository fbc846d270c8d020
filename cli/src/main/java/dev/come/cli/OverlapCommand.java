package dev.come.cli;

import dev.come.job.OverlapJob;
import dev.come.overlap.Overlap;
import dev.come.text.TextSource;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come overlap}: tells how much of a test text stands in texts that a model is trained on. */
@Command(name = "overlap", description = "Tell how much of a test text stands in a text that a model is trained on.",
        footer = {"", "Example:", "  come overlap --calibration-dataset own.jsonl --ppl-data wiki2"})
final class OverlapCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--calibration-dataset", required = true, arity = "1..*", paramLabel = "NAME...",
            hideParamSyntax = true,
            description = "Texts to train on: wiki2, c4, pg19, bookcorpus, alpaca, mmlu or paths.")
    private List<String> texts = List.of();

    @Option(names = "--ppl-data", required = true, arity = "1..*", paramLabel = "NAME...", hideParamSyntax = true,
            description = {"Test texts: the test split of a corpus (all of it where there is no such split), or a path,"
                    + " such as the file of a task's questions."})
    private List<String> tests = List.of();

    @Option(names = "--words", paramLabel = "N",
            description = "Words in a run that both have (default: ${DEFAULT-VALUE}).")
    private int words = Overlap.WORDS;

    @Option(names = "--data-dir", paramLabel = "DIR",
            description = "Folder that holds the named data sets (default: they are downloaded from the hub).")
    private @Nullable Path dataDirectory;

    @Option(names = "--text-field", paramLabel = "FIELD",
            description = "The field that holds the text, in a data set given as a path (default: ${DEFAULT-VALUE}).")
    private String textField = TextSource.DEFAULT_FIELD;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    public void run() {
        List<OverlapJob.Result> results = OverlapJob.run(new OverlapJob.Options(sources(texts), sources(tests), words),
                main.progress(spec.commandLine().getErr()));
        results.forEach(result -> json.text().println(result.inWords()));
        json.print(() -> OverlapJob.json(results));
    }

    private List<TextSource> sources(List<String> names) {
        TextSource.Library library = DataOptions.library(dataDirectory, () -> main.hub(spec.commandLine().getErr()));
        return names.stream().map(name -> new TextSource(name, library, textField)).toList();
    }
}
