package dev.come.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubLockTests {
    @TempDir
    Path folder;

    @Test
    void itIsOfTheKindThatPythonSees() throws Exception {
        Path flock = Path.of("/usr/bin/flock"); // calls flock, as the filelock of huggingface_hub does
        if (!Files.isExecutable(flock)) {
            System.out.println("skipped: " + flock + " is not there");
        }
        assumeTrue(Files.isExecutable(flock), "no flock command");
        Path file = folder.resolve("x.lock");
        try (HubLock _ = HubLock.take(file, () -> {
        })) {
            assertThat(exitCode(flock, file)).isEqualTo(1);
        }
        assertThat(exitCode(flock, file)).isZero();
        assertThat(file).exists();
    }

    private static int exitCode(Path flock, Path file) throws IOException, InterruptedException {
        return new ProcessBuilder(flock.toString(), "--nonblock", file.toString(), "true").start().waitFor();
    }

    @Test
    void whoWaitsIsToldOnce() throws Exception {
        Path file = folder.resolve("x.lock");
        AtomicInteger told = new AtomicInteger();
        Thread second;
        try (HubLock _ = HubLock.take(file, told::incrementAndGet)) {
            second = Thread.ofPlatform().start(() -> {
                try (HubLock _ = HubLock.take(file, told::incrementAndGet)) {
                    told.addAndGet(10);
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            Thread.sleep(500);
            assertThat(told).hasValue(1);
        }
        second.join();
        assertThat(told).hasValue(11);
    }
}
