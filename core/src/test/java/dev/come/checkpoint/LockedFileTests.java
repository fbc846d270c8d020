package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class LockedFileTests {
    @TempDir
    private Path folder;

    @Test
    void theSecondDoesNotGetTheLockUntilTheFirstGivesItBack() throws IOException {
        Path file = folder.resolve("x.lock");
        assertThat(LockedFile.isLocked(file)).isFalse();
        try (LockedFile first = LockedFile.tryLock(file).orElseThrow()) {
            assertThat(first.excludes()).isTrue();
            assertThat(LockedFile.isLocked(file)).isTrue();
            assertThat(LockedFile.tryLock(file)).isEmpty();
            assertThat(LockedFile.tryLock(file)).as("after a vain attempt").isEmpty();
        }
        assertThat(LockedFile.isLocked(file)).isFalse();
        LockedFile.tryLock(file).orElseThrow().close();
    }

    @Test
    void contentIsKept() throws IOException {
        Path file = Files.writeString(folder.resolve("x.lock"), "who");
        try (LockedFile _ = LockedFile.tryLock(file).orElseThrow()) {
            assertThat(LockedFile.tryLock(file)).isEmpty();
            assertThat(file).hasContent("who");
        }
    }

    /** A holder that removes the file leaves those behind who have opened it before: they must not take it for the new one. */
    @Test
    void ofManyWhoRemoveItOnlyOneAtATimeHasIt() throws Exception {
        Path file = folder.resolve("x.lock");
        AtomicInteger holders = new AtomicInteger();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<Integer>> most = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                most.add(threads.submit(() -> {
                    int seen = 0;
                    for (int i = 0; i < 2000; i++) {
                        var lock = LockedFile.tryLock(file);
                        if (lock.isPresent()) {
                            try (LockedFile held = lock.get()) {
                                seen = Math.max(seen, holders.incrementAndGet());
                                Thread.onSpinWait();
                                holders.decrementAndGet();
                                held.delete();
                            }
                        }
                    }
                    return seen;
                }));
            }
            for (Future<Integer> seen : most) {
                assertThat(seen.get()).isLessThanOrEqualTo(1);
            }
        }
    }

    @Test
    void whereItCannotBeMadeIsSaid() {
        assertThatThrownBy(() -> LockedFile.tryLock(folder.resolve("nowhere/x.lock")))
                .isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void withoutFlockTheLocksOfJavaDo() throws IOException {
        Path file = folder.resolve("x.lock");
        try (LockedFile _ = LockedFile.tryJavaLock(file).orElseThrow()) {
            assertThat(LockedFile.tryJavaLock(file)).isEmpty();
        }
        LockedFile.tryJavaLock(file).orElseThrow().close();
    }

    /** The system gives such a lock back as soon as its process closes the file anywhere. */
    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "only Linux tells of its locks in /proc/locks")
    void aVainAttemptDoesNotGiveTheLockOfJavaBack() throws IOException {
        Path file = Files.createFile(folder.resolve("x.lock"));
        String inode = ":" + Files.getAttribute(file, "unix:ino") + " ";
        try (LockedFile _ = LockedFile.tryJavaLock(file).orElseThrow()) {
            assertThat(Files.readString(Path.of("/proc/locks"))).contains(inode);
            assertThat(LockedFile.tryJavaLock(file)).isEmpty();
            assertThat(Files.readString(Path.of("/proc/locks"))).contains(inode);
        }
        assertThat(Files.readString(Path.of("/proc/locks"))).doesNotContain(inode);
    }
}
