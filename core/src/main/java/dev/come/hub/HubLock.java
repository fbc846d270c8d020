package dev.come.hub;

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
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Keeps two who fetch the same file from writing into each other's. On Linux it is flock
 * (https://man7.org/linux/man-pages/man2/flock.2.html), which {@code huggingface_hub} uses too: Java's own locks are of
 * the other kind, which flock does not see. The system gives a lock back when its process dies.
 */
final class HubLock implements AutoCloseable {
    private static final long LOOK_AGAIN_MILLISECONDS = 100;
    private static final int PERMISSIONS = 0666;
    private static final int EXCLUSIVE_AT_ONCE = 2 | 4; // LOCK_EX | LOCK_NB
    private static final int HELD_BY_ANOTHER = 11; // EWOULDBLOCK
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERROR = STATE.varHandle(PathElement.groupElement("errno"));
    private static final @Nullable Calls CALLS = Calls.find();

    private final AutoCloseable held;

    private HubLock(AutoCloseable held) {
        this.held = held;
    }

    /**
     * Waits for the lock.
     *
     * @param file made if it is not there, and left there
     * @param onWait told once when another one has it
     */
    static HubLock take(Path file, Runnable onWait) throws IOException, InterruptedException {
        for (boolean told = false;; told = true) {
            AutoCloseable held = CALLS == null ? tryChannel(file) : CALLS.tryLock(file);
            if (held != null) {
                return new HubLock(held);
            }
            if (!told) {
                onWait.run();
            }
            Thread.sleep(LOOK_AGAIN_MILLISECONDS);
        }
    }

    @Override
    public void close() throws IOException {
        try {
            held.close();
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError("closing throws nothing else", e);
        }
    }

    /** Where there is no flock; it excludes other Java processes only. */
    static @Nullable AutoCloseable tryChannel(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return channel; // closing it gives the lock back
            }
        } catch (OverlappingFileLockException _) {
            // another thread of this process has it
        } catch (IOException e) {
            try (channel) {
                throw e;
            }
        }
        channel.close();
        return null;
    }

    /** The calls of the operating system. */
    private record Calls(MethodHandle creat, MethodHandle flock, MethodHandle close) {
        @SuppressWarnings("restricted") // the signatures below are those of the manual pages
        static @Nullable Calls find() {
            if (!System.getProperty("os.name").equals("Linux")) {
                return null;
            }
            Linker linker = Linker.nativeLinker();
            SymbolLookup library = linker.defaultLookup();
            return new Calls(
                    linker.downcallHandle(library.findOrThrow("creat"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT)),
                    linker.downcallHandle(library.findOrThrow("flock"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
                            Linker.Option.captureCallState("errno")),
                    linker.downcallHandle(library.findOrThrow("close"),
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)));
        }

        @Nullable
        AutoCloseable tryLock(Path file) throws IOException {
            try (Arena arena = Arena.ofConfined()) {
                int descriptor = (int) creat.invokeExact(arena.allocateFrom(file.toAbsolutePath().toString()),
                        PERMISSIONS);
                if (descriptor < 0) {
                    throw new IOException("a lock cannot be made there");
                }
                MemorySegment state = arena.allocate(STATE);
                if ((int) flock.invokeExact(state, descriptor, EXCLUSIVE_AT_ONCE) == 0) {
                    return () -> close(descriptor);
                }
                close(descriptor);
                if ((int) ERROR.get(state, 0L) == HELD_BY_ANOTHER) {
                    return null;
                }
                return () -> {
                    // Some network file systems have no locks. The sums of the content still tell what went wrong.
                };
            } catch (IOException e) {
                throw e;
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
