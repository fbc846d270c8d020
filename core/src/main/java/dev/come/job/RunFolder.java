package dev.come.job;

import dev.come.FailedException;
import dev.come.prune.PruningPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What a run keeps beside its target while it works: the plan so far, from which an interrupted run is resumed, and hidden
 * states that do not fit the memory.
 */
final class RunFolder {
    private final Path folder;

    private RunFolder(Path folder) {
        this.folder = folder;
    }

    /** The folder for a target, made if it is not there. */
    static RunFolder beside(Path target) {
        Path absolute = target.toAbsolutePath().normalize();
        Path folder = absolute.resolveSibling("." + absolute.getFileName() + ".come-run");
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new FailedException(folder + " cannot be made (" + e.getMessage()
                    + "); the run keeps its state there, so choose a --save-path in a folder that may be written to",
                    e);
        }
        return new RunFolder(folder);
    }

    Path path() {
        return folder;
    }

    /** The plan of a run that did not end. */
    Optional<PruningPlan> plan() {
        return Files.exists(planFile()) ? Optional.of(PruningPlan.read(planFile())) : Optional.empty();
    }

    void keep(PruningPlan plan) {
        plan.write(planFile());
    }

    private Path planFile() {
        return folder.resolve(PruningPlan.FILE_NAME);
    }

    /** Removes the folder; the run has ended. */
    void remove() {
        try {
            List<Path> content;
            try (var paths = Files.walk(folder)) {
                content = paths.sorted(Comparator.reverseOrder()).toList();
            }
            for (Path path : content) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new FailedException(
                    folder + " cannot be removed (" + e.getMessage() + "); the model is saved, so remove it by hand",
                    e);
        }
    }
}
