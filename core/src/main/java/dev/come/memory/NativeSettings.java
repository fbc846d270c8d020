package dev.come.memory;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * What the libraries outside of Java are told before they compute, so that a program is as fast as the command without flags and
 * variables. It holds for the whole process. Variables of the environment that say the same win.
 */
@SuppressWarnings("restricted") // calls a function of the C library
public final class NativeSettings {
    /** The bindings read it when their first class is loaded: otherwise each tensor would cost a look at the process' size. */
    private static final String MOST_PHYSICAL_BYTES = "org.bytedeco.javacpp.maxPhysicalBytes";

    private static final int TRIM_THRESHOLD = -1; // M_TRIM_THRESHOLD in malloc.h of glibc
    private static final int MAP_THRESHOLD = -3; // M_MMAP_THRESHOLD

    /**
     * Buffers of 8 MiB and more go back to the system when they are freed. Smaller ones stay in the allocator, since they are
     * asked for again at once, and fresh pages for each would cost a third of the time.
     */
    private static final int MAPPED_FROM = 8 << 20;

    private static final int KEPT_AT_THE_END = 32 << 20;

    private static boolean applied;

    private NativeSettings() {
    }

    /**
     * Settles all of it, the first time; whoever is about to have tensors made calls this.
     *
     * @throws LinkageError if the libraries cannot be loaded
     */
    public static synchronized void apply() {
        if (applied) {
            return;
        }
        if (System.getProperty(MOST_PHYSICAL_BYTES) == null) {
            System.setProperty(MOST_PHYSICAL_BYTES, "0");
        }
        allocator("MALLOC_MMAP_THRESHOLD_", MAP_THRESHOLD, MAPPED_FROM);
        allocator("MALLOC_TRIM_THRESHOLD_", TRIM_THRESHOLD, KEPT_AT_THE_END);
        if (System.getenv("OPENBLAS_NUM_THREADS") == null) {
            // Work is spread over threads above it. Its own pool would fight with them for the processors.
            openblas_nolapack.blas_set_num_threads(1);
        }
        applied = true;
    }

    /** Calls {@code int mallopt(int param, int value)} of glibc; other C libraries do not have it. */
    private static void allocator(String variable, int parameter, int value) {
        Optional<MethodHandle> set = System.getenv(variable) != null
                ? Optional.empty()
                : Linker.nativeLinker().defaultLookup().find("mallopt").map(function -> Linker.nativeLinker()
                        .downcallHandle(function, FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT,
                                ValueLayout.JAVA_INT)));
        if (set.isPresent()) {
            try {
                int _ = (int) set.get().invokeExact(parameter, value);
            } catch (Throwable e) {
                throw new IllegalStateException("mallopt cannot be called", e);
            }
        }
    }
}
