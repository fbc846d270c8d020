package dev.come.cli;

import dev.come.ByteSize;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.job.ExportJob;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A GGUF file that is written of the model that was made. */
final class GgufOptions {
    @Option(names = "--gguf", paramLabel = "FILE",
            description = "Write the model as this GGUF file too ('come export').")
    private @Nullable Path file;

    @Option(names = "--type", paramLabel = "TYPE", completionCandidates = ExportCommand.Types.class,
            description = "How the GGUF file stores matrices (default: as the model does): ${COMPLETION-CANDIDATES}.")
    private @Nullable String type;

    /** Refuses what would fail after the work. */
    void check(boolean several, boolean overwrite) {
        if (file == null) {
            if (type != null) {
                throw new UsageException(
                        "--type is for a GGUF file, but none is written without --gguf; give that too");
            }
            return;
        }
        if (several) {
            throw new UsageException(
                    "--gguf names one file, but several methods make a model each; run 'come export' on"
                            + " the one that you choose");
        }
        ExportJob.check(file, type(), overwrite);
    }

    /** Refuses a model that cannot become such a file. */
    void checkModel(Path dense) {
        if (file != null) {
            ExportJob.checkModel(dense, type());
        }
    }

    /** Writes the file, if there is to be one. */
    void write(Path model, boolean overwrite, Progress progress, PrintWriter out) {
        if (file != null) {
            print(ExportJob.gguf(model, file, type(), overwrite, progress), out);
        }
    }

    private Optional<String> type() {
        return Optional.ofNullable(type);
    }

    static void print(ExportJob.Result result, PrintWriter out) {
        out.println("File: " + result.file() + ", " + ByteSize.format(result.bytes()));
        result.notes().forEach(note -> out.println("Note: " + note + "."));
    }
}
