package dev.come.memory;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** The memory that native libraries, tensors among them, have from the C library's allocator. */
@SuppressWarnings("restricted") // calls a function of the C library
public final class NativeMemory {
    /** {@code int malloc_trim(size_t pad)} of glibc; other C libraries do not have it. */
    private static final Optional<MethodHandle> TRIM = Linker.nativeLinker().defaultLookup().find("malloc_trim")
            .map(function -> Linker.nativeLinker().downcallHandle(function,
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG)));

    private NativeMemory() {
    }

    /**
     * Gives back to the system what was freed. The allocator would keep it, in pieces that later tensors often do not fit
     * into. Takes milliseconds, so it is for the end of something large.
     */
    public static void giveBackFreed() {
        if (TRIM.isPresent()) {
            try {
                int _ = (int) TRIM.get().invokeExact(0L);
            } catch (Throwable e) {
                throw new IllegalStateException("malloc_trim cannot be called", e);
            }
        }
    }
}
