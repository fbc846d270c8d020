package dev.come.demo;

import dev.come.FailedException;
import dev.come.UsageException;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Files whose content is known before they are written. By its content such a file is recognised as one's own, so what somebody
 * else has put under its name, or changed in it, is never written over.
 */
final class OwnFiles {
    private final Map<Path, byte[]> contents = new LinkedHashMap<>();

    void add(Path file, byte[] content) {
        contents.put(file, content);
    }

    void addAll(OwnFiles others) {
        contents.putAll(others.contents);
    }

    /** @throws UsageException when something else is under one of the names */
    void check() {
        contents.forEach((file, content) -> {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !holds(file, content)) {
                throw new UsageException(file + " is there already with other content, and is not written over; move it"
                        + " away, or give another folder");
            }
        });
    }

    /** Writes those that are not there. */
    void write() {
        contents.forEach((file, content) -> {
            if (!Files.exists(file)) {
                try {
                    Files.createDirectories(file.toAbsolutePath().resolveSibling(""));
                } catch (IOException e) {
                    throw new FailedException("%s cannot be written (%s); give a folder that may be written to"
                            .formatted(file, IoReason.of(e)), e);
                }
                AtomicFile.writeBytes(file, out -> out.write(ByteBuffer.wrap(content)));
            }
        });
    }

    private static boolean holds(Path file, byte[] content) {
        try {
            return Files.isRegularFile(file) && Files.size(file) == content.length
                    && Arrays.equals(Files.readAllBytes(file), content);
        } catch (IOException e) {
            throw new FailedException("%s cannot be read (%s); give another folder".formatted(file, IoReason.of(e)), e);
        }
    }
}
