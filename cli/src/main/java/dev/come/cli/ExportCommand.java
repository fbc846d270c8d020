package dev.come.cli;

import dev.come.job.ExportJob;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come export}: writes a model for other programs. */
@Command(name = "export", description = "Write a model as a GGUF file, which llama.cpp and its kin run.",
        footer = {"", "Example:", "  come export --model small --gguf small.gguf --type Q8_0"})
final class ExportCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--gguf", required = true, paramLabel = "FILE", description = "The file to write.")
    private Path file = Path.of("");

    @Option(names = "--type", paramLabel = "TYPE", completionCandidates = Types.class,
            description = "How matrices are stored (default: as in the model): ${COMPLETION-CANDIDATES}.")
    private @Nullable String type;

    @Option(names = "--overwrite", description = "Replace the file if it is there.")
    private boolean overwrite;

    /** The types that are written. */
    static final class Types extends NamesOf {
        Types() {
            super(ExportJob.types());
        }
    }

    @Override
    public void run() {
        ExportJob.Result result = ExportJob.gguf(model.folder(), file, Optional.ofNullable(type), overwrite,
                main.progress(spec.commandLine().getErr()));
        GgufOptions.print(result, spec.commandLine().getOut());
    }
}
