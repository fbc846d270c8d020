package dev.come.hub;

import dev.come.checkpoint.LockedFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Keeps two who fetch the same file from writing into each other's. Where the file system has no locks it keeps nobody out;
 * the sums of the content still tell what went wrong.
 */
final class HubLock implements AutoCloseable {
    private static final long LOOK_AGAIN_MILLISECONDS = 100;

    private final LockedFile held;

    private HubLock(LockedFile held) {
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
            Optional<LockedFile> held = LockedFile.tryLock(file);
            if (held.isPresent()) {
                return new HubLock(held.get());
            }
            if (!told) {
                onWait.run();
            }
            Thread.sleep(LOOK_AGAIN_MILLISECONDS);
        }
    }

    @Override
    public void close() throws IOException {
        held.close();
    }
}
