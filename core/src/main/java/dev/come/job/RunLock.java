package dev.come.job;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Leftovers;
import dev.come.checkpoint.LockedFile;
import dev.come.failure.Unfinished;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Keeps two runs from writing to one target at once, whatever jobs they do. A target is a folder with all that lies below it,
 * or a file. The lock is a file beside the target, {@code .NAME.come-lock}, which says who holds it. The system gives the lock
 * back when the process dies; a file that is left then is in nobody's way.
 */
final class RunLock implements AutoCloseable {
    private static final String ENDING = ".come-lock";
    /** Who looks whether a lock is held has it for a moment. */
    private static final int ATTEMPTS = 5;
    private static final long BETWEEN_MILLISECONDS = 50;
    /** The number of folders by which models of several methods and steps lie below the target. */
    private static final int DEPTH = 2;
    private static final int LONGEST_COMMAND = 200;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss xxx", Locale.ROOT);

    private final LockedFile held;
    private final Deque<Path> madeFolders;
    private final Unfinished.Removal removal = this::giveBack;

    private RunLock(LockedFile held, Deque<Path> madeFolders) {
        this.held = held;
        this.madeFolders = madeFolders;
    }

    /**
     * Takes the lock of a target, and makes the folders above it where they are missing.
     *
     * @param option that named the target, such as {@code --save-path}
     * @param job the name of the command
     * @throws FailedException if another run writes to the target, to a folder above it or below it, or the lock cannot be made
     */
    static RunLock take(Path target, String option, String job, Progress progress) {
        Path absolute = target.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        if (parent == null) {
            throw new FailedException(option + ": " + target + " has no folder above it; give another one");
        }
        Path file = lockOf(absolute);
        Deque<Path> madeFolders = new ArrayDeque<>();
        try {
            makeFolders(parent, madeFolders);
            RunLock lock = new RunLock(acquire(file)
                    .orElseThrow(() -> heldByAnother(target + " is being written to", file, option)), madeFolders);
            try {
                Unfinished.add(lock.removal);
                lock.refuseOthers(absolute, parent, option);
                Files.writeString(file, whoWeAre(job));
                Leftovers.tidy(parent, ENDING);
            } catch (IOException | RuntimeException e) {
                try (lock) {
                    throw e;
                }
            }
            if (!lock.held.excludes()) {
                progress.note("The file system of " + parent + " has no locks, so nothing keeps a second run from "
                        + option + " " + target + "; start none.");
            }
            return lock;
        } catch (IOException e) {
            removeEmpty(madeFolders);
            throw new FailedException(parent + " cannot be written to (" + IoReason.of(e)
                    + "); the run keeps its state there, so choose a " + option
                    + " in a folder that may be written to", e);
        } catch (RuntimeException e) {
            removeEmpty(madeFolders);
            throw e;
        }
    }

    private static Path lockOf(Path target) {
        return target.resolveSibling("." + target.getFileName() + ENDING);
    }

    private static Optional<LockedFile> acquire(Path file) throws IOException {
        Optional<LockedFile> held = LockedFile.tryLock(file);
        for (int attempt = 1; attempt < ATTEMPTS && held.isEmpty(); attempt++) {
            try {
                Thread.sleep(BETWEEN_MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
            held = LockedFile.tryLock(file);
        }
        return held;
    }

    /** Our own lock is held by now, so of two who look for each other at least one finds the other. */
    private void refuseOthers(Path target, Path parent, String option) throws IOException {
        Path nearest = Files.exists(target) ? target.toRealPath().getParent() : parent.toRealPath();
        for (Path above = nearest; above != null && above.getFileName() != null; above = above.getParent()) {
            if (LockedFile.isLocked(lockOf(above))) {
                throw heldByAnother(target + " lies in " + above + ", which is being written to", lockOf(above),
                        option);
            }
        }
        for (Path lock : locksBelow(target)) {
            if (LockedFile.isLocked(lock)) {
                throw heldByAnother(
                        "in " + lock.getParent() + ", which is or lies below " + target + ", a model is being written",
                        lock, option);
            }
        }
    }

    private static List<Path> locksBelow(Path target) throws IOException {
        if (!Files.isDirectory(target)) {
            return List.of();
        }
        try (Stream<Path> paths = Files.walk(target, DEPTH)) {
            return paths.filter(path -> path.getFileName().toString().endsWith(ENDING)).toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static FailedException heldByAnother(String what, Path lock, String option) {
        return new FailedException(what + " by another run (" + holder(lock)
                + "); wait until it has ended, or give another " + option);
    }

    private static String holder(Path lock) {
        try {
            return Files.readString(lock).lines().findFirst().orElse("it has only just begun");
        } catch (IOException e) {
            return lock + " would say which, but cannot be read: " + IoReason.of(e);
        }
    }

    /** Says who holds the lock, in one line. */
    private static String whoWeAre(String job) {
        String command = command().orElse("come " + job);
        String shown = command.lines().findFirst().orElse("").strip();
        return "process " + ProcessHandle.current().pid() + " on " + host() + " since "
                + OffsetDateTime.now(ZoneId.systemDefault()).format(TIME) + ": "
                + (shown.length() > LONGEST_COMMAND ? shown.substring(0, LONGEST_COMMAND) + " ..." : shown) + "\n";
    }

    /** What the user typed, if this is the command. Java itself tells it; the system would cut a long line off. */
    private static Optional<String> command() {
        String line = System.getProperty("sun.java.command", "");
        return Stream.of("dev.come.cli.Main ", ".jar ").filter(line::contains)
                .map(main -> "come " + line.substring(line.indexOf(main) + main.length())).findFirst();
    }

    private static String host() {
        Path name = Path.of("/proc/sys/kernel/hostname");
        try {
            return Files.readString(name).strip();
        } catch (IOException _) {
            return "this machine";
        }
    }

    private static void makeFolders(@Nullable Path folder, Deque<Path> made) throws IOException {
        if (folder != null && !Files.exists(folder)) {
            makeFolders(folder.getParent(), made);
            Files.createDirectory(folder);
            made.push(folder);
        }
    }

    private static void removeEmpty(Deque<Path> folders) {
        while (!folders.isEmpty()) {
            try {
                Files.deleteIfExists(folders.pop());
            } catch (IOException _) {
                return; // something was saved there, or someone else has removed it
            }
        }
    }

    /** Gives the lock back, and removes folders that were made for it if nothing was written there. */
    @Override
    public void close() {
        Unfinished.waitForTheEnd();
        Unfinished.remove(removal);
        try (held) {
            giveBack();
        } catch (IOException e) {
            throw new FailedException("The lock of this run cannot be given back (" + IoReason.of(e)
                    + "); nothing is lost, and it ends with the process", e);
        }
    }

    private synchronized void giveBack() throws IOException {
        try {
            held.delete();
        } finally {
            removeEmpty(madeFolders);
        }
    }
}
