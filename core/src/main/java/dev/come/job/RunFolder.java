package dev.come.job;

import dev.come.FailedException;
import dev.come.checkpoint.IoReason;
import dev.come.prune.PruningPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/**
 * What a run keeps beside its target while it works: the plan so far, from which an interrupted run is resumed, and hidden
 * states that do not fit the memory.
 */
final class RunFolder {
    private final Path folder;

    private RunFolder(Path folder) {
        this.folder = folder;
    }

    /** The folder for a target; it is not made yet. */
    static RunFolder beside(Path target) {
        return beside(target, "run");
    }

    /** The folder for a healing that makes the target; what an interrupted prune run left beside it stays. */
    static RunFolder forHealing(Path target) {
        return beside(target, "heal");
    }

    private static RunFolder beside(Path target, String what) {
        Path absolute = target.toAbsolutePath().normalize();
        return new RunFolder(absolute.resolveSibling("." + absolute.getFileName() + ".come-" + what));
    }

    /** The folder, whether or not it is there. */
    Path path() {
        return folder;
    }

    /** The folder, made if it is not there. */
    Path make() {
        try {
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw new FailedException(folder + " cannot be made (" + IoReason.of(e)
                    + "); the run keeps its state there, so choose a --save-path in a folder that may be written to",
                    e);
        }
    }

    /** Whether a run that did not end has left its plan here. */
    boolean hasPlan() {
        return Files.exists(planFile());
    }

    /** The plan of a run that did not end. */
    PruningPlan plan() {
        return PruningPlan.read(planFile());
    }

    void keep(PruningPlan plan) {
        make();
        plan.write(planFile());
    }

    Path planFile() {
        return folder.resolve(PruningPlan.FILE_NAME);
    }

    /** Removes the folder, if it is there: the run has ended, and nothing can or need be resumed. */
    void remove() {
        if (!Files.exists(folder)) {
            return;
        }
        try {
            List<Path> content;
            try (var paths = Files.walk(folder)) {
                content = paths.sorted(Comparator.reverseOrder()).toList();
            }
            for (Path path : content) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new FailedException(folder + ", where the run kept its state, cannot be removed (" + IoReason.of(e)
                    + "); remove it by hand", e);
        }
    }
}
