package dev.come.job;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.FileModes;
import dev.come.checkpoint.IoReason;
import dev.come.failure.UnderWay;
import dev.come.failure.Unfinished;
import dev.come.model.ModelConfig;
import dev.come.prune.PruningPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The files that a run keeps beside its target while it works, in {@code .NAME.come-JOB}. They are the plan so far,
 * from which an interrupted run goes on, weights of layers that it has changed, and hidden states that do not fit the
 * memory. Each kind of job has a folder of its own, so none can harm the state of another. While it is open no other
 * run can write to the target.
 */
final class RunFolder implements AutoCloseable {
    private final Path target;
    private final Path folder;
    private final Resumption resumption;
    private final Progress progress;
    private final @Nullable RunLock lock;
    /** Whether what lies here is of this run: it has begun anew, or has taken up what it found. */
    private boolean ours;
    /** Whether it is one of the stages of a run, which itself tells how to go on. */
    private final boolean isStage;
    /** Whether this run has no plan itself, but parts. */
    private boolean ofParts;
    /** Without a plan nothing can be gone on with. */
    private final Unfinished.Removal removal = () -> {
        if (!hasPlan()) {
            clear(ofParts());
        }
    };

    private boolean ofParts() {
        return ofParts;
    }

    /** The job that keeps its state here. */
    enum Kind {
        PRUNE("prune"), HEAL("heal"), DISTILL("distill"), RECOVER("recover");

        private final String job;

        Kind(String job) {
            this.job = job;
        }
    }

    private RunFolder(Path target, Path folder, Resumption resumption, Progress progress, @Nullable RunLock lock,
            boolean isStage) {
        this.target = target;
        this.folder = folder;
        this.resumption = resumption;
        this.progress = progress;
        this.lock = lock;
        this.isStage = isStage;
    }

    /**
     * Takes the target for a run.
     *
     * @throws FailedException if another run writes there
     * @throws UsageException if its state would lie in a folder elsewhere, to which a link leads
     */
    static RunFolder take(Path target, Kind kind, Resumption resumption, Progress progress) {
        requireNoLink(beside(target, kind));
        RunLock lock = RunLock.take(target, "--save-path", kind.job, progress);
        return new RunFolder(target, beside(target, kind), resumption, progress, lock, false);
    }

    /** The folder of one part of this run that has a target of its own below the target of all. */
    RunFolder part(Path below, Kind kind) {
        requireNoLink(beside(below, kind));
        return new RunFolder(below, beside(below, kind), resumption, progress, null, false);
    }

    /**
     * The folder of one of the stages of this run, one after the other. It lies in this one and goes with it, and what becomes
     * of an interrupted run is decided for all stages at once.
     */
    RunFolder stage(Kind kind) {
        return new RunFolder(target, folder.resolve("." + kind.job), Resumption.GO_ON, progress, null, true);
    }

    private static Path beside(Path target, Kind kind) {
        Path absolute = target.toAbsolutePath().normalize();
        return absolute.resolveSibling("." + absolute.getFileName() + ".come-" + kind.job);
    }

    /** What is not needed any more is removed there, so the folder must be the run's own. */
    private static void requireNoLink(Path folder) {
        if (Files.isSymbolicLink(folder)) {
            throw new UsageException(folder + " is a link, where the run would keep its state and remove it in the end;"
                    + " remove the link, or give another --save-path");
        }
    }

    /** The folder, whether or not it is there. */
    Path path() {
        return folder;
    }

    /** The folder, made if it is not there. */
    Path make() {
        try {
            return FileModes.makePrivateFolder(folder);
        } catch (IOException e) {
            throw new FailedException(folder + " cannot be made (" + IoReason.of(e)
                    + "); the run keeps its state there, so choose a --save-path in a folder that may be written to",
                    e);
        }
    }

    /**
     * Decides whether an interrupted run is gone on with; if not, nothing of one is left here afterwards.
     *
     * @param fresh the plan that the run begins with if there is no other
     * @return the plan of an interrupted run with the same settings
     * @throws UsageException if there is one with other settings; the message names them
     * @throws InvalidInputException if what it left is damaged
     */
    Optional<PruningPlan> begin(PruningPlan fresh, ModelConfig config) {
        boolean interrupted = hasPlan();
        if (interrupted && resumption != Resumption.RESTART) {
            PruningPlan found = plan();
            List<String> differences = RunSettings.differences(found, fresh);
            if (!differences.isEmpty()) {
                throw new UsageException(
                        "An interrupted run with other settings lies beside " + target + " (there / now: "
                                + String.join("; ", differences)
                                + "); give the same settings to go on with it, or --restart to discard it");
            }
            found.requireFits(config, planFile());
            begun();
            return Optional.of(found);
        }
        if (interrupted) {
            progress.note("The interrupted run beside " + target + " is discarded; starting anew.");
        } else if (resumption == Resumption.ASKED_FOR) {
            progress.note("No interrupted run lies beside " + target + "; starting anew.");
        }
        clear();
        begun();
        return Optional.empty();
    }

    /**
     * Begins a run of several parts, which has no plan itself.
     *
     * @throws UsageException if an interrupted run of one part alone lies here
     */
    void beginParts() {
        if (hasPlan() && resumption != Resumption.RESTART) {
            throw new UsageException("An interrupted run of one method lies beside " + target
                    + ", and this is one of several; give the same settings to go on with it, or --restart to discard"
                    + " it");
        }
        ofParts = true;
        clear(resumption != Resumption.RESTART);
        begun();
    }

    private void begun() {
        ours = true;
        Unfinished.add(removal);
        if (!isStage) {
            UnderWay.add(folder, this::hasPlan);
        }
    }

    /** Whether a run that did not end has left its plan here. */
    private boolean hasPlan() {
        return Files.exists(planFile());
    }

    private PruningPlan plan() {
        try {
            return PruningPlan.read(planFile());
        } catch (InvalidInputException e) {
            throw new InvalidInputException("The interrupted run beside " + target + " cannot be gone on with ("
                    + e.getMessage() + "); --restart discards it", e);
        }
    }

    void keep(PruningPlan plan) {
        make();
        plan.write(planFile());
    }

    private Path planFile() {
        return folder.resolve(PruningPlan.FILE_NAME);
    }

    /** Ends the run: nothing can or need be gone on with. */
    void remove() {
        UnderWay.remove(folder);
        Unfinished.remove(removal);
        ours = false;
        clear();
    }

    private void clear() {
        clear(false);
    }

    /** @param exceptCosts whether what the parts of a run took so far stays */
    private void clear(boolean exceptCosts) {
        if (!Files.exists(folder)) {
            return;
        }
        try {
            // Without its plan the rest is nothing that could be gone on with, also if this is broken off.
            Files.deleteIfExists(planFile());
            List<Path> content;
            try (var paths = Files.walk(folder)) {
                content = paths.sorted(Comparator.reverseOrder()).toList();
            }
            boolean stays = exceptCosts && content.stream().anyMatch(RunCosts::isOne);
            for (Path path : content) {
                if (!stays || !(path.equals(folder) || RunCosts.isOne(path))) {
                    Files.delete(path);
                }
            }
        } catch (IOException e) {
            throw new FailedException(folder + ", where the run kept its state, cannot be removed (" + IoReason.of(e)
                    + "); remove it by hand", e);
        }
    }

    /** Gives the target back. Of a run that did not end the plan stays, if it has one, and the user is told how to go on. */
    @Override
    public void close() {
        Unfinished.waitForTheEnd();
        Unfinished.remove(removal);
        try (RunLock _ = lock) {
            Optional<String> howToGoOn = UnderWay.remove(folder);
            if (howToGoOn.isPresent()) {
                progress.note(howToGoOn.get());
            } else if (ours && !(isStage && hasPlan())) {
                clear(ofParts);
            }
        }
    }
}
