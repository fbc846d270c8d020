package dev.come.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Lets two folders swap their names in one step, which Java's own file operations cannot do. Linux can, by renameat2
 * (https://man7.org/linux/man-pages/man2/rename.2.html); not every file system takes part.
 */
final class FolderExchange {
    private static final int CURRENT_DIRECTORY = -100; // AT_FDCWD
    private static final int EXCHANGE = 2; // RENAME_EXCHANGE
    private static final Optional<MethodHandle> RENAMEAT2 = renameat2();

    private FolderExchange() {
    }

    /** Swaps two folders of the same file system, or changes nothing and returns false. */
    static boolean exchange(Path one, Path other) {
        if (RENAMEAT2.isEmpty()) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            return (int) RENAMEAT2.get().invokeExact(CURRENT_DIRECTORY,
                    arena.allocateFrom(one.toAbsolutePath().toString()), CURRENT_DIRECTORY,
                    arena.allocateFrom(other.toAbsolutePath().toString()), EXCHANGE) == 0;
        } catch (Throwable e) {
            throw new AssertionError("a native call throws nothing", e);
        }
    }

    @SuppressWarnings("restricted") // the signature below is that of the manual page
    private static Optional<MethodHandle> renameat2() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return Optional.empty();
        }
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find("renameat2")
                .map(function -> linker.downcallHandle(function,
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS,
                                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT)));
    }
}
