package dev.come.cli;

import dev.come.ByteSize;
import dev.come.job.ExportJob;
import java.io.PrintWriter;
import java.nio.file.Path;
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
            description = "How matrices are stored (default: ${DEFAULT-VALUE}): ${COMPLETION-CANDIDATES}.")
    private String type = "BF16";

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
        ExportJob.Result result = ExportJob.gguf(model.folder(), file, type, overwrite,
                main.progress(spec.commandLine().getErr()));
        PrintWriter out = spec.commandLine().getOut();
        out.println("File: " + result.file() + ", " + ByteSize.format(result.bytes()));
        result.notes().forEach(note -> out.println("Note: " + note + "."));
    }
}
