package dev.come.checkpoint;

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
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Locks of Linux, by the calls of the operating system; the numbers are those of Linux.
 *
 * @see LockedFile
 */
record Flock(MethodHandle open, MethodHandle flock, MethodHandle close, MethodHandle strerror) {
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
    static @Nullable Flock find() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return null;
        }
        Linker linker = Linker.nativeLinker();
        SymbolLookup library = linker.defaultLookup();
        Linker.Option errno = Linker.Option.captureCallState("errno");
        return new Flock(
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
