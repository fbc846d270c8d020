package dev.come.text;

import dev.come.FailedException;
import dev.come.checkpoint.IoReason;
import dev.come.failure.NativeFolder;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What DuckDB leaves in the folder for temporary files. Every process that loads its library unpacks it there (61 MB) and
 * removes it at its end, which a killed one does not come to. On Linux a library needs its name no longer once it is loaded.
 */
final class DuckDbLibrary {
    private static final String LIBRARIES = "libduckdb_java*.so";
    private static final Path PROCESSES = Path.of("/proc");
    /** Somebody who is unpacking writes more often than that. */
    private static final Duration UNPACKING = Duration.ofMinutes(1);
    private static final Pattern BLANKS = Pattern.compile("\\s+");
    /** The column of /proc/PID/maps that has the number of a file (proc(5)). */
    private static final int INODE = 4;

    private DuckDbLibrary() {
    }

    /** Something that needs the library. */
    interface Use<T> {
        T run() throws SQLException;
    }

    /**
     * Does what loads the library, and leaves nothing.
     *
     * @throws FailedException if it cannot be unpacked
     */
    static <T> T loaded(Use<T> use) throws SQLException {
        Path folder = Path.of(System.getProperty("java.io.tmpdir"));
        removeLeft(folder);
        try {
            return use.run();
        } catch (LinkageError e) {
            throw new FailedException(NativeFolder.TABLES.trouble().orElseGet(() -> "The library that reads tables"
                    + " cannot be unpacked into " + folder + " (" + reason(e)
                    + "); name another folder with COME_JAVA_OPTS=-Djava.io.tmpdir=FOLDER"), e);
        } finally {
            removeLoaded(folder);
        }
    }

    private static String reason(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause).filter(IOException.class::isInstance)
                .map(cause -> IoReason.of((IOException) cause)).findFirst()
                .orElseGet(() -> String.valueOf(failure.getMessage()));
    }

    /** Removes the libraries that no living process has loaded. Called before the library is loaded. */
    static void removeLeft(Path folder) {
        Instant then = Instant.now().minus(UNPACKING);
        List<Path> old = libraries(folder).stream().filter(file -> modified(file).isBefore(then)).toList();
        if (!old.isEmpty()) {
            Set<String> loaded = new HashSet<>();
            processes().forEach(process -> loaded.addAll(inodes(process)));
            remove(old, loaded, false);
        }
    }

    /** Takes the names of the libraries away that this process has loaded. */
    static void removeLoaded(Path folder) {
        remove(libraries(folder), inodes(PROCESSES.resolve("self")), true);
    }

    private static void remove(List<Path> libraries, Set<String> inodes, boolean ifAmong) {
        for (Path library : libraries) {
            try {
                if (inodes.contains("" + Files.getAttribute(library, "unix:ino")) == ifAmong) {
                    Files.deleteIfExists(library);
                }
            } catch (IOException _) {
                // It may be somebody else's.
            }
        }
    }

    /** None where the system does not tell who has loaded what. */
    private static List<Path> libraries(Path folder) {
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(PROCESSES.resolve("self"))) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, LIBRARIES)) {
                files.forEach(found::add);
            } catch (IOException | DirectoryIteratorException _) {
                // Nothing has to be tidied.
            }
        }
        return found;
    }

    private static Instant modified(Path file) {
        try {
            return Files.getLastModifiedTime(file).toInstant();
        } catch (IOException _) {
            return Instant.MAX;
        }
    }

    private static List<Path> processes() {
        try (Stream<Path> all = Files.list(PROCESSES)) {
            return all.filter(path -> path.getFileName().toString().matches("\\d+")).toList();
        } catch (IOException _) {
            return List.of();
        }
    }

    /** The numbers of the files that a process has in memory; of another user's process nothing is told. */
    private static Set<String> inodes(Path process) {
        Set<String> inodes = new HashSet<>();
        try (Stream<String> maps = Files.lines(process.resolve("maps"))) {
            maps.map(BLANKS::split).filter(columns -> columns.length > INODE)
                    .forEach(columns -> inodes.add(columns[INODE]));
        } catch (IOException | RuntimeException _) {
            // It has ended, or is none of ours.
        }
        return inodes;
    }
}
