package dev.come.api;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.hub.Hub;
import dev.come.job.ExportJob;
import dev.come.job.ModelSource;
import dev.come.job.Surroundings;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Asks for a model to be written for other programs; {@link #run} does it. Names and defaults are those of {@code come export}.
 */
public final class Export {
    private final String model;
    private @Nullable String revision;
    private @Nullable Path file;
    private @Nullable String type;
    private boolean overwrite;
    private Progress progress = Progress.NONE;

    Export(String model) {
        this.model = model;
    }

    /**
     * A file that was written.
     *
     * @param bytes how long it is
     * @param notes what a user should know about it, a sentence each
     */
    public record ExportedFile(Path file, long bytes, List<String> notes) {
        public ExportedFile {
            notes = List.copyOf(notes);
        }
    }

    /** Branch, tag or commit of a model on the hub; the default is {@code main}. */
    public Export revision(String name) {
        revision = name;
        return this;
    }

    /** The GGUF file to write; must be said. */
    public Export gguf(Path target) {
        file = target;
        return this;
    }

    /** How matrices are stored: F32, F16, BF16, Q8_0 and others that {@code come export --help} lists; the default is as in the model. */
    public Export type(String name) {
        type = name;
        return this;
    }

    /** Replaces the file if it is there. */
    public Export overwrite() {
        overwrite = true;
        return this;
    }

    /** Who is told how far the work is; called by several threads. */
    public Export progress(Progress listener) {
        progress = Wording.progress(listener);
        return this;
    }

    /**
     * Writes the file.
     *
     * @throws UsageException if the file was not said or is there already, or there is no such type
     * @throws dev.come.InvalidInputException if the model cannot become such a file
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile; then no file is left
     * @throws dev.come.FailedException if it cannot be written; then no file is left
     */
    public ExportedFile run() {
        return Wording.job(() -> {
            if (file == null) {
                throw new UsageException("gguf(...) is missing; say which file is to be written");
            }
            ExportJob.check(file, Optional.ofNullable(type), overwrite);
            Surroundings surroundings = Surroundings.ofProcess();
            try (Hub hub = surroundings.hub(progress)) {
                ExportJob.Result result = ExportJob.gguf(new ModelSource(model, Optional.ofNullable(revision))
                        .folder(() -> hub, surroundings.ggufCache(), progress), file, Optional.ofNullable(type),
                        overwrite, progress);
                return new ExportedFile(result.file(), result.bytes(), result.notes());
            }
        });
    }
}
