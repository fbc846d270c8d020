package dev.come.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Takes away what processes have left half done in a folder when they were killed: files and folders in the making, and
 * locks. Each is locked as long as its process lives, so nobody loses what he works on.
 */
public final class Leftovers {
    private static final Pattern FILE = Pattern
            .compile(Pattern.quote(AtomicFile.PREFIX) + "[0-9a-f]{16}" + Pattern.quote(AtomicFile.SUFFIX));
    private static final Set<Path> TIDIED = ConcurrentHashMap.newKeySet();

    private Leftovers() {
    }

    /**
     * Tidies a folder in which something will be written. What cannot be taken away stays.
     *
     * @param lockEnding what the names of files end in that serve as locks alone, and are free when their process is dead
     */
    public static void tidy(Path folder, String lockEnding) {
        remove(folder, Pattern.compile("\\..+" + Pattern.quote(lockEnding)));
        tidyOnce(folder);
        try {
            AtomicFolder.removeLeftoversIn(folder);
        } catch (IOException | UncheckedIOException _) {
            // It may be somebody else's.
        }
    }

    /** Takes away files in the making from a folder. */
    public static void tidyFiles(Path folder) {
        remove(folder, FILE);
    }

    /** The same for a folder that this process has not tidied before. */
    static void tidyOnce(Path folder) {
        if (TIDIED.add(folder.toAbsolutePath().normalize())) {
            tidyFiles(folder);
        }
    }

    private static void remove(Path folder, Pattern name) {
        for (Path file : files(folder, name)) {
            try {
                Optional<LockedFile> left = LockedFile.takeOver(file);
                if (left.isPresent()) {
                    try (LockedFile held = left.get()) {
                        held.delete();
                    }
                }
            } catch (IOException _) {
                // It may be somebody else's.
            }
        }
    }

    private static List<Path> files(Path folder, Pattern name) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> name.matcher(file.getFileName().toString()).matches()).toList();
        } catch (IOException | UncheckedIOException _) {
            return List.of();
        }
    }
}
