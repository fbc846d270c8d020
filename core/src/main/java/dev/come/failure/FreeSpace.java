package dev.come.failure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The room that there is for a folder, which need not be there yet.
 *
 * @param writable whether it may be written to, or made
 * @param bytes free bytes of its file system
 */
public record FreeSpace(boolean writable, long bytes) {
    /**
     * Looks at the folder, or at the nearest folder above it that is there.
     *
     * @throws IOException if that cannot be looked at
     */
    public static FreeSpace of(Path folder) throws IOException {
        Path there = folder.toAbsolutePath();
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        return new FreeSpace(Files.isDirectory(there) && Files.isWritable(there),
                Files.getFileStore(there).getUsableSpace());
    }
}
