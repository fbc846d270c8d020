package dev.come.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What lies beside the target while it is written: {@code .TARGET.come-RANDOM}, and the same with an ending.
 *
 * @param run the common name
 * @param parent the folder that holds all of it
 */
record FolderNames(String run, Path parent) {
    private static final String ENDING = ".come-";
    private static final String LOCK = ".lock";
    private static final Pattern LOCKED = Pattern.compile("\\.(.+)\\.come-[0-9a-f]{1,8}\\.lock");

    /** Names that nobody has, as far as chance goes. */
    static FolderNames drawn(Path target) {
        return new FolderNames(
                "." + target.getFileName() + ENDING + Integer.toHexString(ThreadLocalRandom.current().nextInt()),
                AtomicFolder.parentOf(target));
    }

    /** The folder in the making. */
    Path folder() {
        return parent.resolve(run);
    }

    /** Where the old target is, if it had to be moved out of the way. */
    Path old() {
        return parent.resolve(run + ".old");
    }

    /** The file that the writer has locked. */
    Path lock() {
        return parent.resolve(run + LOCK);
    }

    /** What is to be written. */
    Path target() {
        return parent.resolve(run.substring(1, run.lastIndexOf(ENDING)));
    }

    /** The names of all writers to a folder, dead or alive. */
    static List<FolderNames> lockedIn(Path parent) throws IOException {
        try (Stream<Path> files = Files.list(parent)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> LOCKED.matcher(name).matches())
                    .map(name -> new FolderNames(name.substring(0, name.length() - LOCK.length()), parent)).toList();
        }
    }
}
