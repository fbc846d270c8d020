package dev.come.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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
    private static final @Nullable Calls CALLS = Calls.find();
    /** Files locked by Java's locks. The system takes these back when this process closes any channel of the file. */
    private static final Set<Path> LOCKED_BY_JAVA = ConcurrentHashMap.newKeySet();

    private static final int ATTEMPTS = 50;
    private static final long BETWEEN_NANOS = 10_000_000;

    private final Path file;
    private final boolean excludes;
    private final Release release;

    /** Gives the lock back. */
    private interface Release {
        void run() throws IOException;
    }

    private LockedFile(Path file, boolean excludes, Release release) {
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
        return CALLS == null ? tryJavaLock(file) : CALLS.tryLock(file);
    }

    /**
     * Makes a file and locks it, so that others see that somebody is at work on it. Whoever has the name may read and write it
     * nevertheless; where a lock would keep them from it there is none.
     */
    static Closeable holdNew(Path file) throws IOException {
        if (CALLS == null) {
            return () -> {
            };
        }
        for (int attempt = 1; attempt < ATTEMPTS; attempt++) {
            Optional<LockedFile> held = CALLS.tryLock(file);
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
        return CALLS == null || !Files.isRegularFile(file)
                ? Optional.empty()
                : CALLS.tryLock(file).filter(LockedFile::excludes);
    }

    /** Whether somebody has a lock on a file; not if the file is not there, or may not be looked at. */
    public static boolean isLocked(Path file) {
        try {
            return Files.exists(file) && (CALLS == null ? isJavaLocked(file) : CALLS.isLocked(file));
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

    /** The calls of the operating system; the numbers are those of Linux. */
    private record Calls(MethodHandle open, MethodHandle flock, MethodHandle close, MethodHandle strerror) {
        private static final int READ = 0x80000; // O_RDONLY | O_CLOEXEC
        private static final int MAKE = 0x80042; // O_RDWR | O_CREAT | O_CLOEXEC
        private static final int PERMISSIONS = 0666;
        private static final int SHARED_AT_ONCE = 1 | 4; // LOCK_SH | LOCK_NB
        private static final int EXCLUSIVE_AT_ONCE = 2 | 4; // LOCK_EX | LOCK_NB
        private static final int NOT_THERE = 2; // ENOENT
        private static final int INTERRUPTED = 4; // EINTR
        private static final int HELD_BY_ANOTHER = 11; // EWOULDBLOCK
        private static final int DENIED = 13; // EACCES
        private static final StructLayout STATE = Linker.Option.captureStateLayout();
        private static final VarHandle ERROR = STATE.varHandle(PathElement.groupElement("errno"));

        @SuppressWarnings("restricted") // the signatures below are those of the manual pages
        static @Nullable Calls find() {
            if (!System.getProperty("os.name").equals("Linux")) {
                return null;
            }
            Linker linker = Linker.nativeLinker();
            SymbolLookup library = linker.defaultLookup();
            Linker.Option errno = Linker.Option.captureCallState("errno");
            return new Calls(
                    linker.downcallHandle(library.findOrThrow("open"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT,
                                    ValueLayout.JAVA_INT),
                            Linker.Option.firstVariadicArg(2), errno),
                    linker.downcallHandle(library.findOrThrow("flock"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
                            errno),
                    linker.downcallHandle(library.findOrThrow("close"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)),
                    linker.downcallHandle(library.findOrThrow("strerror"),
                            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT)));
        }

        Optional<LockedFile> tryLock(Path file) throws IOException {
            while (true) {
                int descriptor = open(file, MAKE);
                int error = lock(descriptor, EXCLUSIVE_AT_ONCE);
                if (error == HELD_BY_ANOTHER) {
                    close(descriptor);
                    return Optional.empty();
                }
                if (error != 0) {
                    close(descriptor);
                    return Optional.of(new LockedFile(file, false, () -> {
                    }));
                }
                if (isAt(descriptor, file)) {
                    return Optional.of(new LockedFile(file, true, () -> close(descriptor)));
                }
                close(descriptor); // the holder before has removed the file that was opened here
            }
        }

        boolean isLocked(Path file) throws IOException {
            int descriptor = open(file, READ);
            try {
                return lock(descriptor, SHARED_AT_ONCE) == HELD_BY_ANOTHER;
            } finally {
                close(descriptor);
            }
        }

        /** Whether an open file still has its name. */
        private static boolean isAt(int descriptor, Path file) {
            Path all = Path.of("/proc/self/fd");
            try {
                return !Files.isDirectory(all) || Files.isSameFile(all.resolve("" + descriptor), file);
            } catch (NoSuchFileException _) {
                return false;
            } catch (IOException _) {
                return true;
            }
        }

        private int open(Path file, int flags) throws IOException {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment state = arena.allocate(STATE);
                MemorySegment name = arena.allocateFrom(file.toAbsolutePath().toString());
                while (true) {
                    int descriptor = (int) open.invokeExact(state, name, flags, PERMISSIONS);
                    if (descriptor >= 0) {
                        return descriptor;
                    }
                    int error = (int) ERROR.get(state, 0L);
                    if (error != INTERRUPTED) {
                        throw reason(file, error);
                    }
                }
            } catch (IOException e) {
                throw e;
            } catch (Throwable e) {
                throw new AssertionError("a native call throws nothing", e);
            }
        }

        private IOException reason(Path file, int error) {
            return switch (error) {
                case DENIED -> new AccessDeniedException(file.toString());
                case NOT_THERE -> new NoSuchFileException(file.toString());
                default -> new IOException(inWords(error));
            };
        }

        @SuppressWarnings("restricted") // the system's text ends with a zero
        private String inWords(int error) {
            try {
                return ((MemorySegment) strerror.invokeExact(error)).reinterpret(Long.MAX_VALUE).getString(0);
            } catch (Throwable e) {
                throw new AssertionError("a native call throws nothing", e);
            }
        }

        /** Locks an open file, and returns 0 or the number of the error. */
        private int lock(int descriptor, int how) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment state = arena.allocate(STATE);
                while ((int) flock.invokeExact(state, descriptor, how) != 0) {
                    int error = (int) ERROR.get(state, 0L);
                    if (error != INTERRUPTED) {
                        return error;
                    }
                }
                return 0;
            } catch (Throwable e) {
                throw new AssertionError("a native call throws nothing", e);
            }
        }

        private void close(int descriptor) {
            try {
                int _ = (int) close.invokeExact(descriptor);
            } catch (Throwable e) {
                throw new AssertionError("a native call throws nothing", e);
            }
        }
    }
}
