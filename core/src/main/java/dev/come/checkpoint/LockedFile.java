package dev.come.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A file that one holder at a time has locked: no other process gets the lock, and no other thread of this one. The system
 * gives the lock back when the process dies, however it dies.
 *
 * <p>On Linux the lock is flock (https://man7.org/linux/man-pages/man2/flock.2.html), which {@code huggingface_hub} uses too;
 * Java's own locks are of the other kind, which flock does not see.
 */
public final class LockedFile implements Closeable {
    private static final @Nullable Flock FLOCK = Flock.find();
    /** Files locked by Java's locks. The system takes these back when this process closes any channel of the file. */
    private static final Set<Path> LOCKED_BY_JAVA = ConcurrentHashMap.newKeySet();

    private static final int ATTEMPTS = 50;
    private static final long BETWEEN_NANOS = 10_000_000;

    private final Path file;
    private final boolean excludes;
    private final Release release;

    /** Gives the lock back. */
    interface Release {
        void run() throws IOException;
    }

    /**
     * Takes a lock.
     *
     * @param excludes whether it keeps others out
     */
    LockedFile(Path file, boolean excludes, Release release) {
        this.file = file;
        this.excludes = excludes;
        this.release = release;
    }

    /**
     * Locks a file without waiting.
     *
     * @param file made if it is not there
     * @return nothing if somebody else has the lock
     * @throws IOException if the file cannot be made or opened, or is a link, which may lead to anybody's file
     */
    public static Optional<LockedFile> tryLock(Path file) throws IOException {
        if (Files.isSymbolicLink(file)) {
            throw new IOException("%s is a link, where a lock should be; remove it".formatted(file));
        }
        return FLOCK == null ? tryJavaLock(file) : FLOCK.tryLock(file);
    }

    /**
     * Makes a file and locks it, so that others see that somebody is at work on it. Whoever has the name may read and write it
     * nevertheless; where a lock would keep them from it there is none.
     */
    static Closeable holdNew(Path file) throws IOException {
        if (FLOCK == null) {
            return () -> {
            };
        }
        for (int attempt = 1; attempt < ATTEMPTS; attempt++) {
            Optional<LockedFile> held = FLOCK.tryLock(file);
            if (held.isPresent()) {
                return held.get();
            }
            LockSupport.parkNanos(BETWEEN_NANOS); // somebody who tidies has it for a moment
        }
        throw new IOException("somebody else has a file of that name");
    }

    /**
     * Locks a file that somebody has made by {@link #holdNew} and has left.
     *
     * @return nothing if he may be at work on it still
     */
    static Optional<LockedFile> takeOver(Path file) throws IOException {
        return FLOCK == null || !Files.isRegularFile(file)
                ? Optional.empty()
                : FLOCK.tryLock(file).filter(LockedFile::excludes);
    }

    /** Whether somebody has a lock on a file; not if the file is not there, or may not be looked at. */
    public static boolean isLocked(Path file) {
        try {
            return Files.exists(file) && (FLOCK == null ? isJavaLocked(file) : FLOCK.isLocked(file));
        } catch (IOException _) {
            return false;
        }
    }

    /** Whether the lock keeps others out, which it does unless the file system has no locks. */
    public boolean excludes() {
        return excludes;
    }

    /** Removes the file; only who has the lock may. The lock lasts until it is closed. */
    public void delete() throws IOException {
        Files.deleteIfExists(file);
    }

    /** Gives the lock back; the file stays. */
    @Override
    public void close() throws IOException {
        release.run();
    }

    /** The way where there is no flock. */
    static Optional<LockedFile> tryJavaLock(Path file) throws IOException {
        Path key = file.toAbsolutePath().normalize();
        if (!LOCKED_BY_JAVA.add(key)) {
            return Optional.empty();
        }
        FileChannel channel = null;
        boolean locked = false;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            locked = lock != null;
            FileChannel held = channel;
            return locked ? Optional.of(new LockedFile(file, true, () -> {
                try (held) {
                    LOCKED_BY_JAVA.remove(key);
                }
            })) : Optional.empty();
        } finally {
            if (!locked) {
                LOCKED_BY_JAVA.remove(key);
                if (channel != null) {
                    channel.close();
                }
            }
        }
    }

    private static boolean isJavaLocked(Path file) throws IOException {
        if (LOCKED_BY_JAVA.contains(file.toAbsolutePath().normalize())) {
            return true;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true)) {
            return lock == null;
        }
    }
}
