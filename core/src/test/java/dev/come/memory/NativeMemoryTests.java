package dev.come.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@SuppressWarnings("restricted") // calls functions of the C library
class NativeMemoryTests {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final int PIECES = 4000;
    private static final long PIECE = 1 << 14;

    /** Pieces below one that is still in use: the allocator keeps them unless it is told otherwise. */
    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "the allocator of other systems decides for itself")
    void whatWasFreedGoesBackToTheSystem() throws Throwable {
        MethodHandle allocate = function("malloc", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
        MethodHandle free = function("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
        MemorySegment[] pieces = new MemorySegment[PIECES];
        for (int i = 0; i < PIECES; i++) {
            pieces[i] = ((MemorySegment) allocate.invokeExact(PIECE)).reinterpret(PIECE);
            pieces[i].fill((byte) 1);
        }
        for (int i = 0; i < PIECES - 1; i++) {
            free.invokeExact(pieces[i]);
        }
        long before = residentBytes();
        NativeMemory.giveBackFreed();
        assertThat(before - residentBytes()).isGreaterThan(PIECES * PIECE / 2);
        free.invokeExact(pieces[PIECES - 1]);
    }

    private static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LINKER.defaultLookup().find(name).orElseThrow(), descriptor);
    }

    private static long residentBytes() throws IOException {
        return 1024 * Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("RssAnon:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst().orElseThrow();
    }
}
